// @ts-check
/** Tells images from other files by their first bytes, whatever their name and declared type say. */

/** Bytes that `sniffImage` wants to see. */
export const HEAD_BYTES = 64;

/** @type {readonly [string, number, string][]} media type, offset, bytes as Latin-1 */
const SIGNATURES = [
  ['image/jpeg', 0, '\xff\xd8\xff'],
  ['image/png', 0, '\x89PNG\r\n\x1a\n'],
  ['image/gif', 0, 'GIF87a'],
  ['image/gif', 0, 'GIF89a'],
  ['image/webp', 8, 'WEBP'],
  ['image/tiff', 0, 'II*\0'],
  ['image/tiff', 0, 'MM\0*'],
  ['image/tiff', 0, 'II+\0'],
  ['image/tiff', 0, 'MM\0+'],
  ['image/x-panasonic-rw2', 0, 'IIU\0'],
  ['image/x-olympus-orf', 0, 'IIRO'],
  ['image/x-fuji-raf', 0, 'FUJIFILMCCD-RAW'],
  ['image/jxl', 0, '\xff\x0a'],
  ['image/jxl', 0, '\0\0\0\x0cJXL \r\n\x87\n'],
  ['image/jp2', 0, '\0\0\0\x0cjP  \r\n\x87\n'],
  ['image/jp2', 0, '\xff\x4f\xff\x51'],
  ['image/vnd.adobe.photoshop', 0, '8BPS'],
];

/** Brands of ISO media files that are pictures. @type {{ [brand: string]: string }} */
const BRANDS = {
  avif: 'image/avif', avis: 'image/avif', heic: 'image/heic', heix: 'image/heic', heim: 'image/heic', heis: 'image/heic',
  hevc: 'image/heic', hevx: 'image/heic', mif1: 'image/heif', msf1: 'image/heif', miaf: 'image/heif', 'crx ': 'image/x-canon-cr3',
};

/**
 * @param {Uint8Array} head the first HEAD_BYTES bytes, or all of a shorter file
 * @returns {string | null} the media type, null for what is no image
 */
export function sniffImage(head) {
  const text = String.fromCharCode(...head.subarray(0, HEAD_BYTES));
  for (const [type, offset, bytes] of SIGNATURES) {
    if (!text.startsWith(bytes, offset)) continue;
    if (type === 'image/webp' && !text.startsWith('RIFF')) continue;
    return type;
  }
  if (text.startsWith('BM') && text.length >= 26 && isBitmap(head)) return 'image/bmp';
  if (text.startsWith('ftyp', 4)) {
    // The major brand, a version, then the compatible ones.
    for (const start of [8, 16, 20, 24, 28, 32, 36, 40]) {
      const type = BRANDS[text.slice(start, start + 4)];
      if (type) return type;
    }
  }
  return null;
}

/** "BM" alone begins many a text: the header's size and plane count must fit too. @param {Uint8Array} head */
function isBitmap(head) {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const size = view.getUint32(14, true);
  return [12, 40, 52, 56, 64, 108, 124].includes(size) && view.getUint32(6, true) === 0;
}
