// watson.cjs URL SAMPLES: IBM Watson's own SDK, unchanged but for its address, recognises the sample clips.
// SPDX-License-Identifier: Apache-2.0
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const SpeechToTextV1 = require('ibm-watson/speech-to-text/v1');
const { NoAuthAuthenticator } = require('ibm-watson/auth');

const [url, samples] = process.argv.slice(2);
const speech = new SpeechToTextV1({ authenticator: new NoAuthAuthenticator(), serviceUrl: url });
const clip = (name) => path.join(samples, `${name}.wav`);

async function main() {
  for (const word of ['yes', 'no', 'right']) {
    for (const audio of [fs.readFileSync(clip(word)), fs.createReadStream(clip(word))]) {   // with a length, and in chunks
      const { result, status } = await speech.recognize({
        audio,
        contentType: 'audio/wav',
        model: 'commands',
        keywords: ['yes', 'no', 'right'],
        keywordsThreshold: 0.3,
        maxAlternatives: 3,
        wordConfidence: true,
        timestamps: true,
        smartFormatting: true,
      });
      assert.strictEqual(status, 200);
      assert.strictEqual(result.result_index, 0);
      assert.strictEqual(result.results.length, 1);
      const [first] = result.results;
      assert.strictEqual(first.final, true);
      assert.strictEqual(first.alternatives.length, 3);
      assert.strictEqual(first.alternatives[0].transcript, word);
      assert.ok(first.alternatives[0].confidence > 0.3);
      const [hit] = first.keywords_result[word];
      assert.strictEqual(hit.normalized_text, word);
      assert.ok(hit.start_time < hit.end_time && hit.end_time <= 1);
      console.log(word, first.alternatives[0].confidence);
    }
  }
  await assert.rejects(
    speech.recognize({ audio: fs.readFileSync(clip('yes')), contentType: 'audio/wav', keywords: ['bicycle'], keywordsThreshold: 0.5 }),
    (e) => e.code === 400 && /bicycle/.test(e.body),
  );
  await assert.rejects(
    speech.recognize({ audio: fs.readFileSync(clip('yes')), contentType: 'audio/wav', model: 'en-US_Nothing' }),
    (e) => e.code === 404,
  );
  const { result } = await speech.listModels();
  assert.ok(result.models.some((m) => m.name === 'commands'));
  const one = await speech.getModel({ modelId: 'commands' });
  assert.strictEqual(one.result.rate, 16000);
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});
