/** Tests extension/background/protocol.js by daemon/wire/vectors.json, by which the daemon is tested too. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import {
  Assembly, VERSION, codeKey, frames, fromHex, prove, randomHex, readFrame, toHex, verifyDaemon,
} from '../../extension/background/protocol.js';

const vectors = JSON.parse(await readFile(new URL('../../daemon/wire/vectors.json', import.meta.url), 'utf8'));

test('the version is the daemon\'s', () => { assert.equal(VERSION, vectors.version); });

assert.ok(vectors.handshake.length > 0 && vectors.frames.length > 0 && vectors.assemblies.length > 0);

for (const vector of vectors.handshake) {
  test(`proofs of ${vector.name}`, async () => {
    const key = vector.typed === undefined ? fromHex(vector.key) : codeKey(vector.typed);
    const { daemon_nonce: theirs, client_nonce: ours, host } = vector;
    assert.equal(await prove(key, theirs, ours, host), vector.client_proof);
    assert.equal(await verifyDaemon(vector.daemon_proof, key, theirs, ours, host), true);
    const forgeries = [vector.client_proof, vector.daemon_proof.replace(/^./, (digit) => (digit === '0' ? '1' : '0')), '', 'xyz', null, undefined, 7];
    for (const forged of forgeries) assert.equal(await verifyDaemon(forged, key, theirs, ours, host), false);
    assert.equal(await verifyDaemon(vector.daemon_proof, key, ours, theirs, host), false);
    assert.equal(await verifyDaemon(vector.daemon_proof, key, theirs, ours, '127.0.0.1:1'), false);
  });
}

for (const vector of vectors.frames) {
  test(`frame: ${vector.name}`, () => {
    const buffer = Uint8Array.from(Buffer.from(vector.hex ?? vector.frame, 'hex')).buffer;
    if (vector.valid === false) {
      assert.throws(() => readFrame(buffer), TypeError);
      return;
    }
    const { job, chunk } = readFrame(buffer);
    assert.equal(job, vector.job);
    assert.equal(toHex(chunk), vector.chunk);
    assert.deepEqual([...frames(job, chunk)].map(toHex), [toHex(new Uint8Array(buffer))]);
  });
}

for (const vector of vectors.assemblies) {
  test(`assembly: ${vector.name}`, async () => {
    const assembly = new Assembly(vector.size);
    const chunks = vector.chunks.map(fromHex);
    const last = chunks.pop();
    for (const chunk of chunks) assembly.add(chunk);
    if (vector.valid === false) {
      assert.throws(() => assembly.add(last), TypeError);
      return;
    }
    if (last) assembly.add(last);
    assert.equal(assembly.complete, vector.complete ?? true);
    if (assembly.complete) assert.equal((await assembly.blob('image/png').arrayBuffer()).byteLength, vector.size);
  });
}

test('a photo is cut into chunks that can be joined again', () => {
  const job = randomHex(16);
  const bytes = crypto.getRandomValues(new Uint8Array(1000));
  const cut = [...frames(job, bytes, 300)];
  assert.deepEqual(cut.map((frame) => frame.length), [316, 316, 316, 116]);
  assert.equal(cut.map((frame) => toHex(readFrame(frame.buffer).chunk)).join(''), toHex(bytes));
  assert.deepEqual([...frames(job, new Uint8Array())], []);
});

test('hex is lowercase and whole', () => {
  for (const text of ['0', 'AB', 'zz', ' 00']) assert.throws(() => fromHex(text), TypeError);
});
