// onnx.mjs - ONNX Runtime's time for a word: node onnx.mjs FEATURES FRAMES BANDS SECONDS MODEL.onnx THREADS WORDS
// Prints one JSON line: the least and the median of all runs of a batch, per word, the answers (the best label of each clip), and
// whether the kernel saw AVX-512 registers in use since the model was loaded (null where it does not tell).
// FEATURES: frames x bands bytes of each clip, one after the other. PEERS names the folder with node_modules.
// SPDX-License-Identifier: Apache-2.0
import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(process.env.PEERS + '/');
const ort = require('onnxruntime-node');
const [file, ...numbers] = process.argv.slice(2);
const [frames, bands, seconds] = numbers.slice(0, 3).map(Number);
const model = numbers[3];
const [threads, words] = numbers.slice(4).map(Number);
const features = fs.readFileSync(file), size = frames * bands, clips = features.length / size;

const loaded = process.hrtime.bigint();
const session = await ort.InferenceSession.create(model, {
  intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all' });
const { type, shape } = session.inputMetadata[0];
const temporal = shape[2] === 1, int8 = type === 'uint8';

// Batches begin at every clip; temporal networks have the bands as channels.
function batch(at) {
  const data = new (int8 ? Uint8Array : Float32Array)(words * size);
  for (let w = 0; w < words; w++)
    for (let f = 0; f < frames; f++)
      for (let b = 0; b < bands; b++)
        data[w * size + (temporal ? b * frames + f : f * bands + b)] = features[(at + w) % clips * size + f * bands + b];
  return { features: new ort.Tensor(int8 ? 'uint8' : 'float32', data, temporal ? [words, bands, 1, frames] : [words, 1, frames, bands]) };
}
const batches = [];
for (let at = 0; at < clips; at += words) batches.push(batch(at));

const answers = [];
for (const one of batches) {
  const scores = (await session.run(one)).scores, labels = scores.dims[1];
  for (let w = 0; w < words; w++) {
    const row = scores.data.subarray(w * labels, (w + 1) * labels);
    answers.push(row.indexOf(Math.max(...row)));
  }
}
const us = [];
const begin = process.hrtime.bigint();
let last = begin;
for (let i = 0; Number(last - begin) < seconds * 1e9 || us.length < 3; i++) {
  await session.run(batches[i % batches.length]);
  const now = process.hrtime.bigint();
  us.push(Number(now - last) / 1e3 / words);
  last = now;
}

// The kernel notes for each thread how long ago it last had anything in AVX-512 registers; -1: never.
function usesAvx512() {
  const ms = Number(process.hrtime.bigint() - loaded) / 1e6;
  try {
    return fs.readdirSync('/proc/self/task').some((task) => {
      const ago = Number(fs.readFileSync(`/proc/self/task/${task}/arch_status`, 'utf8').match(/AVX512_elapsed_ms:\s*(-?\d+)/)[1]);
      return ago >= 0 && ago < ms;
    });
  } catch {
    return null;
  }
}
const total = us.length * words / (Number(last - begin) / 1e9);
us.sort((a, b) => a - b);
const middle = us[us.length >> 1];
console.log(JSON.stringify({ words, threads, us: us[0], us_median: middle, rate: 1e6 / us[0], rate_median: 1e6 / middle,
  rate_wall: total, samples: us.length, answers: answers.slice(0, clips), avx512: usesAvx512() }));
