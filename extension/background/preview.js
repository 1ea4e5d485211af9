// @ts-check
/** Makes small pictures of photos for the extension's own windows. */

const LONGEST = 320;
const QUALITY = 0.8;

/**
 * @param {Blob} blob
 * @returns {Promise<string | null>} a data URL; null if this browser cannot show the picture
 */
export async function previewOf(blob) {
  try {
    const bitmap = await createImageBitmap(blob);
    const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)));
    const context = canvas.getContext('2d');
    if (!context) return null;
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    const small = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY })).arrayBuffer());
    return `data:image/jpeg;base64,${btoa(Array.from(small, (byte) => String.fromCharCode(byte)).join(''))}`;
  } catch {
    return null;
  }
}
