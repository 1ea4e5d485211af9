/** Tests extension/sniff.js by daemon/wire/vectors.json, by which the daemon is tested too. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { HEAD_BYTES, sniff } from '../../extension/sniff.js';

const vectors = JSON.parse(await readFile(new URL('../../daemon/wire/vectors.json', import.meta.url), 'utf8'));

assert.deepEqual(new Set(vectors.files.map(({ rule }) => rule)), new Set(['cloak', 'ask', 'pass']));

for (const { name, hex, type, rule } of vectors.files) {
  test(`${rule}: ${name}`, () => {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
    assert.equal(sniff(bytes), type);
    // The same in a longer file, in the middle of a buffer.
    const longer = new Uint8Array(HEAD_BYTES + 16).fill(0x20);
    longer.set(bytes, 8);
    assert.equal(sniff(longer.subarray(8)), type);
  });
}
