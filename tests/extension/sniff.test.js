import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEAD_BYTES, sniffImage } from '../../extension/sniff.js';

const bytes = (text) => Uint8Array.from(Buffer.from(text.padEnd(HEAD_BYTES, '\0'), 'latin1'));

const IMAGES = {
  '\xff\xd8\xff\xe0': 'image/jpeg', '\xff\xd8\xff\xdb': 'image/jpeg', '\x89PNG\r\n\x1a\n': 'image/png', 'GIF89a': 'image/gif', 'RIFF\x10\0\0\0WEBPVP8 ': 'image/webp',
  'II*\0': 'image/tiff', 'MM\0*': 'image/tiff', '\0\0\0\x1cftypavif': 'image/avif', '\0\0\0\x18ftypheic': 'image/heic', '\0\0\0\x18ftypmif1\0\0\0\0heic': 'image/heif',
  '\0\0\0\x20ftypisom\0\0\0\0avif': 'image/avif', '\xff\x0a': 'image/jxl', '8BPS': 'image/vnd.adobe.photoshop', 'BM\x36\x10\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0': 'image/bmp',
};
const OTHERS = ['%PDF-1.4', 'BMW is a maker of cars and of motorcycles', 'RIFF\x10\0\0\0WAVEfmt ', '\0\0\0\x18ftypmp42\0\0\0\0isommp42', '<svg xmlns=', 'PK\x03\x04', 'hello', '', 'XXXXXXXXWEBP'];

for (const [head, type] of Object.entries(IMAGES)) {
  test(`${type}: ${JSON.stringify(head)}`, () => { assert.equal(sniffImage(bytes(head)), type); });
}

for (const head of OTHERS) {
  test(`no image: ${JSON.stringify(head)}`, () => { assert.equal(sniffImage(bytes(head)), null); });
}

test('short files are read without an error', () => {
  for (const head of ['', 'B', 'BM', 'RIFF', '\xff\xd8']) assert.equal(sniffImage(Uint8Array.from(Buffer.from(head, 'latin1'))), null);
});
