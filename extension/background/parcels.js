// @ts-check
/** Photos as they travel between content script and background. */
import { HEAD_BYTES, sniff } from '../sniff.js';

/**
 * @typedef {import('../shared/messages.js').Parcel} Parcel
 * @typedef {{ job: string, parcel: Parcel, blob: Blob, mime: string | null, cloaked: import('./connection.js').Cloaked | null,
 *   failure: import('./connection.js').JobError | null, delivered: boolean, share: number }} Photo  mime: null of what is no image;
 *   delivered: it is what the site was given before; share: how much of the work on it is done
 */

/** @type {(parcel: Parcel, job: string) => Promise<Photo>} */
export async function examine(parcel, job) {
  const blob = parcel.blob ?? new Blob([Uint8Array.from(atob(parcel.text ?? ''), (letter) => letter.charCodeAt(0))]);
  let mime;
  try {
    if (!parcel.blob && parcel.text === null) throw new TypeError('the page could not read it');
    mime = sniff(new Uint8Array(await blob.slice(0, HEAD_BYTES).arrayBuffer()));
  } catch {
    // It may be a photo: the person hears of it, as of any that could not be cloaked.
    mime = 'application/octet-stream';
  }
  return { job, parcel, blob, mime, cloaked: null, failure: null, delivered: false, share: 0 };
}

/** @type {(photo: Photo) => Promise<Parcel | null>} */
export async function toParcel({ parcel, mime, cloaked, delivered }) {
  if (mime === null || delivered) return null;
  if (!cloaked) throw new Error('a photo without its cloaked file may not go');
  const { blob } = cloaked;
  const { name, type } = parcel;
  if (parcel.blob) return { name, type, size: blob.size, blob, text: null };
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  for (let start = 0; start < bytes.length; start += 0x8000) text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  return { name, type, size: blob.size, blob: null, text: btoa(text) };
}
