// server.mjs - what people would write instead: Node's http module, onnxruntime-node, the dense twin of the network in fp32.
// Usage: node server.mjs PORT MODEL.onnx THREADS
// The body is a 16 kHz mono PCM16 WAV; log-mel features (32 frames x 32 bands) in plain JavaScript on typed arrays.
// SPDX-License-Identifier: Apache-2.0
import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(process.env.PEERS ? process.env.PEERS + '/' : import.meta.url);
const ort = require('onnxruntime-node');
const [port, model, threads] = process.argv.slice(2);
const N = 512, H = N / 2, HOP = 500, FRAMES = 32, BANDS = 32;

const window = Float32Array.from({ length: N }, (_, n) => 0.5 - 0.5 * Math.cos(2 * Math.PI * n / N));
const cosines = Float32Array.from({ length: N }, (_, i) => Math.cos(2 * Math.PI * i / N));
const sines = Float32Array.from({ length: N }, (_, i) => -Math.sin(2 * Math.PI * i / N));
const reversed = Uint16Array.from({ length: H }, (_, i) => parseInt(i.toString(2).padStart(8, '0').split('').reverse().join(''), 2));
const mel = (hz) => 2595 * Math.log10(1 + hz / 700);
const edges = Array.from({ length: BANDS + 2 }, (_, i) =>
  700 * (10 ** ((mel(60) + (mel(7600) - mel(60)) * i / (BANDS + 1)) / 2595) - 1));
const bands = Array.from({ length: BANDS }, (_, b) => {
  const weights = [];
  let first = -1;
  for (let k = 0; k <= H; k++) {
    const hz = k * 16000 / N;
    const w = Math.min((hz - edges[b]) / (edges[b + 1] - edges[b]), (edges[b + 2] - hz) / (edges[b + 2] - edges[b + 1]));
    if (w > 0) { if (first < 0) first = k; weights.push(w); }
  }
  return { first, weights: Float32Array.from(weights) };
});
const re = new Float32Array(H), im = new Float32Array(H), power = new Float32Array(H + 1);

function frame(pcm, end, out, at) {
  const start = end - N;
  for (let m = 0; m < H; m++) {
    const a = start + 2 * m, r = reversed[m];
    re[r] = (a >= 0 && a < pcm.length ? pcm[a] : 0) * window[2 * m];
    im[r] = (a + 1 >= 0 && a + 1 < pcm.length ? pcm[a + 1] : 0) * window[2 * m + 1];
  }
  for (let len = 2; len <= H; len *= 2) {
    const half = len / 2, step = N / len;
    for (let s = 0; s < H; s += len) for (let j = 0; j < half; j++) {
      const p = s + j, q = p + half, c = cosines[j * step], d = sines[j * step];
      const ur = re[q] * c - im[q] * d, ui = re[q] * d + im[q] * c;
      re[q] = re[p] - ur; im[q] = im[p] - ui; re[p] += ur; im[p] += ui;
    }
  }
  for (let k = 0; k <= H / 2; k++) {
    const m = (H - k) % H;
    const er = (re[k] + re[m]) / 2, ei = (im[k] - im[m]) / 2, or = (im[k] + im[m]) / 2, oi = (re[m] - re[k]) / 2;
    const vr = or * cosines[k] - oi * sines[k], vi = or * sines[k] + oi * cosines[k];
    power[k] = (er + vr) ** 2 + (ei + vi) ** 2;
    power[H - k] = (er - vr) ** 2 + (ei - vi) ** 2;
  }
  for (let b = 0; b < BANDS; b++) {
    const { first, weights } = bands[b];
    let sum = 1;
    for (let k = 0; k < weights.length; k++) sum += power[first + k] * weights[k];
    out[b * FRAMES + at] = Math.min(127, Math.max(0, 3 * Math.log2(sum) - 6));
  }
}

function features(wav) {
  const data = wav.indexOf('data', 12, 'latin1') + 8;
  const bytes = wav.subarray(data, data + 32000);
  const aligned = bytes.byteOffset % 2 ? Buffer.from(bytes) : bytes;
  const pcm = new Int16Array(aligned.buffer, aligned.byteOffset, aligned.length >> 1);
  const out = new Float32Array(BANDS * FRAMES);
  for (let f = 0; f < FRAMES; f++) frame(pcm, (f + 1) * HOP, out, f);
  return out;
}

const session = await ort.InferenceSession.create(model, {
  intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: 'sequential',
});
const labels = 'yes no up down left right on off stop go silence unknown'.split(' ');

http.createServer((req, res) => {
  const parts = [];
  req.on('data', (p) => parts.push(p));
  req.on('end', async () => {
    try {
      const input = new ort.Tensor('float32', features(parts.length === 1 ? parts[0] : Buffer.concat(parts)), [1, BANDS, FRAMES]);
      const { scores } = await session.run({ features: input });
      const s = scores.data;
      const top = s.reduce((best, v, i) => (v > s[best] ? i : best), 0);
      const sum = s.reduce((a, v) => a + Math.exp(v - s[top]), 0);
      res.setHeader('Content-Type', 'application/json');
      res.end(JSON.stringify({ transcript: labels[top], confidence: 1 / sum }) + '\n');
    } catch (e) {
      res.statusCode = 400;
      res.end(String(e));
    }
  });
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
