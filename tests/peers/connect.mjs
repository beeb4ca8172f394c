// connect.mjs URL DESCRIPTORS SAMPLES: Connect's client for Node, in both codecs, with a schema that protoc compiled.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { compressionGzip, createConnectTransport } from '@connectrpc/connect-node';

const [url, descriptors, samples] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, fs.readFileSync(descriptors)));
const Recognizer = registry.getService('sparrow.v1.Recognizer');
const clip = (name) => ({ name, source: { case: 'audio', value: fs.readFileSync(path.join(samples, `${name}.wav`)) } });

async function refused(promise, code, text) {
  await assert.rejects(promise, (e) => {
    assert.ok(e instanceof ConnectError);
    assert.strictEqual(Code[e.code], Code[code], e.message);
    assert.match(e.rawMessage, text);
    return true;
  });
}

for (const useBinaryFormat of [true, false]) {
  const transport = createConnectTransport({ baseUrl: url, httpVersion: '1.1', useBinaryFormat });
  const client = createClient(Recognizer, transport);
  let id;
  const one = await client.recognize(
    { clip: { ...clip('yes'), mediaType: 'audio/wav' }, options: { top: 2, keywords: ['yes'], keywordsThreshold: 0.25 } },
    { timeoutMs: 20000, headers: { 'X-Request-ID': 'connect-1' }, onHeader: (h) => { id = h.get('x-request-id'); } },
  );
  assert.strictEqual(id, 'connect-1');
  assert.strictEqual(one.requestId, 'connect-1');
  assert.strictEqual(one.model, 'commands');
  assert.strictEqual(one.results.length, 1);
  assert.strictEqual(one.results[0].clip, 'yes');
  assert.strictEqual(one.results[0].alternatives.length, 2);
  assert.strictEqual(one.results[0].alternatives[0].transcript, 'yes');
  assert.ok(one.results[0].alternatives[0].confidence > 0.25);
  assert.strictEqual(one.results[0].keywords[0].normalizedText, 'yes');
  assert.ok(one.latency.totalUs > 0n);
  assert.strictEqual(typeof one.energy.known, 'boolean');
  assert.strictEqual(one.replica.backend, 'cpu');

  const many = await client.recognizeBatch({ clips: ['no', 'right', 'down'].map(clip) });
  assert.deepStrictEqual(many.results.map((r) => r.clip), ['no', 'right', 'down']);
  assert.deepStrictEqual(many.results.map((r) => r.alternatives[0].transcript), ['no', 'right', 'down']);

  await refused(client.recognize({}), Code.InvalidArgument, /clip/);
  await refused(client.recognize({ clip: clip('yes'), options: { keywords: ['bicycle'] } }), Code.InvalidArgument, /bicycle/);
  await refused(client.recognize({ clip: clip('yes'), options: { model: 'nobody' } }), Code.NotFound, /nobody/);
  await refused(client.recognize({ clip: { source: { case: 'audio', value: new Uint8Array([1, 2, 3]) } } }), Code.InvalidArgument, /./);

  const squeezed = createConnectTransport({ baseUrl: url, httpVersion: '1.1', useBinaryFormat, sendCompression: compressionGzip });
  await refused(createClient(Recognizer, squeezed).recognize({ clip: clip('yes') }), Code.Unimplemented, /identity/);
  console.log(useBinaryFormat ? 'proto' : 'json', one.results[0].alternatives[0].confidence);
}
