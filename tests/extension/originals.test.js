/** What the last line of defence stores about a photo, and how it finds it in requests. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

let kept = {};
globalThis.chrome = {
  storage: { session: { get: () => Promise.resolve(structuredClone(kept)), set: (values) => { Object.assign(kept, structuredClone(values)); return Promise.resolve(); } } },
};
const { BLOCK, BlockIndex, blocksOf } = await import('../../extension/background/block_hashes.js');
const { lengthOfFiles, readBody, decodings } = await import('../../extension/background/request_bodies.js');
const { Originals } = await import('../../extension/background/originals.js');

/** Pseudorandom bytes, by a Lehmer generator. */
const noise = (seed, length) => {
  let state = seed;
  return Uint8Array.from({ length }, () => { state = state * 48271 % 2147483647; return state; });
};
const joined = (...parts) => new Uint8Array(parts.flatMap((part) => Array.from(part)));
const parcel = (bytes, name = 'me.jpg', type = 'image/jpeg') => ({ name, type, size: bytes.length, blob: new Blob([bytes], { type }) });
const photo = noise(1, 200_000);

let originals;
beforeEach(async () => {
  kept = {};
  originals = new Originals();
  await originals.remember('a', [{ parcel: parcel(photo), isPhoto: true }]);
});

test('blocks are found at any offset, and nowhere else', () => {
  const index = new BlockIndex();
  index.add('photo', blocksOf(photo));
  assert.equal(index.find(joined(noise(2, 777), photo.subarray(3000, 3000 + 10 * BLOCK), noise(3, 50))).get('photo').size, 9);
  assert.equal(index.find(noise(4, 300_000)).size, 0);
});

test('the blocks of a large file lie apart, and less than 64 KiB', () => {
  const large = noise(5, 20_000_000);
  const { hashes, stride } = blocksOf(large);
  assert.ok(hashes.length <= 512 && stride < 64 * 1024);
});

test('an original is found as a whole body, within one, as base64, and in pieces', async () => {
  assert.equal(await originals.areIn(photo), true);
  assert.equal(await originals.areIn(joined(noise(6, 99), photo, [1])), true);
  const text = new TextEncoder().encode(`data:image/jpeg;base64,${Buffer.from(photo).toString('base64')}`);
  const all = await Promise.all(decodings(text).map((bytes) => originals.areIn(bytes)));
  assert.ok(all.includes(true));
  const other = new Originals();
  kept = {};
  await other.remember('b', [{ parcel: parcel(photo), isPhoto: true }]);
  const pieces = [];
  for (let from = 0; from < photo.length; from += 20_000) pieces.push(await other.areIn(photo.subarray(from, from + 20_000)));
  assert.deepEqual([pieces[0], pieces.at(-1)], [false, true]);
});

test('another photo with the same colour profile is not taken for it', async () => {
  assert.equal(await originals.areIn(joined(photo.subarray(0, 3000), noise(7, 200_000))), false);
});

test('a photo that the person let go as it is may go', async () => {
  await originals.settle('a', [null]);
  assert.equal(await originals.areIn(photo), false);
  assert.equal(originals.fitLength(() => photo.length), false);
});

test('a photo that was refused first, and let go later, may go under its name', async () => {
  await originals.settle('a', null);
  assert.equal(originals.hasUnreplaced({ name: 'me.jpg', type: 'image/jpeg' }), true);
  await originals.remember('b', [{ parcel: parcel(photo), isPhoto: true }]);
  await originals.settle('b', [null]);
  assert.equal(originals.hasUnreplaced({ name: 'me.jpg', type: 'image/jpeg' }), false);
  assert.equal(originals.fitLength(() => photo.length), false);
});

test('an answer that comes before the photo is read counts all the same', async () => {
  const early = new Originals();
  const animation = noise(8, 100_000);
  void early.remember('c', [{ parcel: parcel(animation, 'cat.gif', 'image/gif'), isPhoto: true }]);
  void early.settle('c', [null]);
  await early.ready;
  assert.equal(await early.areIn(animation), false);
});

test('the next background knows that nothing was sent of a photo', async () => {
  await originals.settle('a', null);
  const next = new Originals();
  await next.ready;
  assert.equal(next.hasUnreplaced({ name: null, type: '' }), false);
});

test('the next background knows the photo', async () => {
  const next = new Originals();
  await next.ready;
  assert.equal(await next.areIn(photo), true);
});

test('a body with an original\'s length is found, unless it is that of the cloaked files', async () => {
  assert.equal(originals.fitLength(() => photo.length), true);
  assert.equal(originals.fitLength(() => photo.length + 1), false);
  await originals.settle('a', [150_000]);
  assert.equal(originals.fitLength(() => 150_000), false);
  assert.equal(originals.fitLength(() => photo.length), true);
});

test('a file of which only the name or the type is shown is found by that', async () => {
  assert.equal(originals.hasUnreplaced({ name: 'album/me.jpg', type: '' }), true);
  assert.equal(originals.hasUnreplaced({ name: 'you.jpg', type: 'image/jpeg' }), false);
  assert.equal(originals.hasUnreplaced({ name: null, type: 'image/jpeg' }), true);
  assert.equal(originals.hasUnreplaced({ name: null, type: 'application/json' }), false);
  assert.equal(originals.hasUnreplaced({ name: null, type: '' }), true);
  await originals.settle('a', [150_000]);
  assert.equal(originals.hasUnreplaced({ name: 'me.jpg', type: 'image/jpeg' }), false);
});

test('the length of a form\'s files is what its other fields leave', () => {
  // As Firefox wrote them.
  const boundary = '----geckoformboundaryee8ca94a97fbef18601b2b083241bc07';
  const file = { name: 'me at home.jpg', type: 'image/jpeg' };
  assert.equal(lengthOfFiles([['stamps', '1'], ['file', file.name]], boundary, 21628, [file]), 21301);
  assert.equal(lengthOfFiles([['file', file.name]], '----geckoformboundaryca03263dd6c5d1f089aa2d46671d0f91', 21519, [file]), 21301);
  assert.equal(lengthOfFiles([['stamps', '1']], boundary, 21628, [file]), null);
});

test('bodies are read as each browser shows them', () => {
  const encoded = (text) => new TextEncoder().encode(text).buffer;
  const head = '--x\r\nContent-Disposition: form-data; name="file"; filename="me.jpg"\r\nContent-Type: image/jpeg\r\n\r\n';
  const chromium = readBody({ raw: [{ bytes: encoded(head) }, { bytes: encoded('\r\n--x--\r\n') }] });
  assert.deepEqual(chromium.files, [{ name: 'me.jpg', type: 'image/jpeg' }]);
  assert.equal(readBody({ error: 'Unknown error.' }).hidden, true);
  assert.deepEqual(readBody({ formData: { file: ['me.jpg'] } }).fields, [['file', 'me.jpg']]);
  assert.equal(readBody(undefined), null);
});
