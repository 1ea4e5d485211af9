// @ts-check
/**
 * Recognises images and videos by their first bytes, whatever their name and declared type say. The rule for each kind:
 *
 * - JPEG, PNG and WebP, the kinds that the daemon reads, are cloaked.
 * - Every other image (GIF, HEIC, AVIF, SVG, TIFF and raw files, …) and every video is held, and the person is asked.
 * - Anything else goes as it is. Documents and archives are not searched.
 *
 * daemon/wire/vectors.json tests that the daemon recognises the same.
 */

/** Bytes that `sniff` reads: an SVG may begin with a long comment. */
export const HEAD_BYTES = 1024;

/** @type {readonly [string, number, string][]} media type, offset, bytes as Latin-1 */
const SIGNATURES = [
  ['image/jpeg', 0, '\xff\xd8\xff'],
  ['image/png', 0, '\x89PNG\r\n\x1a\n'],
  ['image/gif', 0, 'GIF87a'],
  ['image/gif', 0, 'GIF89a'],
  ['image/tiff', 0, 'II*\0'],
  ['image/tiff', 0, 'MM\0*'],
  ['image/tiff', 0, 'II+\0'],
  ['image/tiff', 0, 'MM\0+'],
  ['image/vnd.ms-photo', 0, 'II\xbc\x01'],
  ['image/x-panasonic-rw2', 0, 'IIU\0'],
  ['image/x-olympus-orf', 0, 'IIRO'],
  ['image/x-olympus-orf', 0, 'IIRS'],
  ['image/x-olympus-orf', 0, 'MMOR'],
  ['image/x-canon-crw', 0, 'II\x1a\0\0\0HEAPCCDR'],
  ['image/x-fuji-raf', 0, 'FUJIFILMCCD-RAW'],
  ['image/x-minolta-mrw', 0, '\0MRM'],
  ['image/x-sigma-x3f', 0, 'FOVb'],
  ['image/jxl', 0, '\xff\x0a'],
  ['image/jxl', 0, '\0\0\0\x0cJXL \r\n\x87\n'],
  ['image/jp2', 0, '\0\0\0\x0cjP  \r\n\x87\n'],
  ['image/jp2', 0, '\xff\x4f\xff\x51'],
  ['image/vnd.adobe.photoshop', 0, '8BPS'],
  ['image/x-icon', 0, '\0\0\x01\0'],
  ['image/x-icon', 0, '\0\0\x02\0'],
  ['image/x-xcf', 0, 'gimp xcf'],
  ['image/qoi', 0, 'qoif'],
  ['image/x-exr', 0, 'v/1\x01'],
  ['image/vnd.radiance', 0, '#?RADIANCE'],
  ['image/vnd-ms.dds', 0, 'DDS '],
  ['image/bpg', 0, 'BPG\xfb'],
  ['image/x-mng', 0, '\x8aMNG\r\n\x1a\n'],
  ['image/x-jng', 0, '\x8bJNG\r\n\x1a\n'],
  ['image/dicom-rle', 128, 'DICM'],
  ['video/webm', 0, '\x1a\x45\xdf\xa3'],
  ['video/x-flv', 0, 'FLV\x01'],
  ['video/x-ms-asf', 0, '\x30\x26\xb2\x75\x8e\x66\xcf\x11'],
  ['video/mpeg', 0, '\0\0\x01\xba'],
  ['video/mpeg', 0, '\0\0\x01\xb3'],
  ['video/ogg', 28, '\x80theora'],
  ['video/ogg', 28, 'BBCD'],
  ['video/ogg', 28, 'fishead\0'],
  ['video/quicktime', 4, 'moov'],
  ['video/quicktime', 4, 'mdat'],
  ['video/quicktime', 4, 'wide'],
  ['video/quicktime', 4, 'pnot'],
];

/** Brands of ISO media files that are pictures. @type {{ [brand: string]: string }} */
const PICTURES = {
  avif: 'image/avif', avis: 'image/avif', heic: 'image/heic', heix: 'image/heic', heim: 'image/heic', heis: 'image/heic',
  hevc: 'image/heic', hevx: 'image/heic', mif1: 'image/heif', msf1: 'image/heif', miaf: 'image/heif', 'crx ': 'image/x-canon-cr3',
};
/** Brands that are sound alone. */
const SOUND = ['M4A ', 'M4B ', 'M4P ', 'M4R ', 'F4A ', 'F4B ', 'aax '];

/**
 * @param {Uint8Array} bytes the first HEAD_BYTES bytes, or all of a shorter file
 * @returns {string | null} the media type of an image or a video, null for anything else
 */
export function sniff(bytes) {
  const head = bytes.subarray(0, HEAD_BYTES);
  const text = String.fromCharCode(...head);
  for (const [type, offset, signature] of SIGNATURES) if (text.startsWith(signature, offset)) return type;
  if (text.startsWith('RIFF')) return riff(text.slice(8, 12));
  if (text.startsWith('ftyp', 4)) return isoMedia(head, text);
  if (text.startsWith('BM') && isBitmap(head)) return 'image/bmp';
  if (isTransportStream(head)) return 'video/mp2t';
  if (/^P[1-6]\s+(#|\d)|^P7\nWIDTH /.test(text)) return 'image/x-portable-anymap';
  return isSvg(text) ? 'image/svg+xml' : null;
}

/** @param {string} form */
const riff = (form) => (form === 'WEBP' ? 'image/webp' : form === 'AVI ' ? 'video/x-msvideo' : null);

/** @type {(head: Uint8Array, text: string) => string | null} */
function isoMedia(head, text) {
  // The major brand, a version, then the compatible ones to the end of the box.
  const size = new DataView(head.buffer, head.byteOffset, head.byteLength).getUint32(0);
  const major = text.slice(8, 12);
  const brands = [major];
  for (let start = 16; start + 4 <= Math.min(size, text.length); start += 4) brands.push(text.slice(start, start + 4));
  for (const brand of brands) {
    const type = PICTURES[brand];
    if (type) return type;
  }
  if (SOUND.includes(major)) return null;
  return major === 'qt  ' ? 'video/quicktime' : 'video/mp4';
}

/** Many texts begin with "BM", so the header's size and its reserved bytes have to fit too. @param {Uint8Array} head */
function isBitmap(head) {
  if (head.length < 26) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const size = view.getUint32(14, true);
  return [12, 40, 52, 56, 64, 108, 124].includes(size) && view.getUint32(6, true) === 0;
}

/** Whether packets of 188 bytes, or of 192 as cameras write them, begin alike. @param {Uint8Array} head */
const isTransportStream = (head) => [[0, 188], [4, 192]].some(([first = 0, step = 0]) => (
  [0, 1, 2, 3].every((packet) => head[first + packet * step] === 0x47)
));

/** Whether its first element is an SVG's, behind declarations and comments; in UTF-8 or UTF-16. @param {string} text */
function isSvg(text) {
  const plain = text.replaceAll('\0', '').replace(/^(\xef\xbb\xbf|\xff\xfe|\xfe\xff)/, '');
  return /^\s*(<\?[^]*?\?>\s*|<!--[^]*?-->\s*)*<(!DOCTYPE\s+)?(\w+:)?svg\b/i.test(plain);
}
