// @ts-check
/** A file of an upload: what it is before it is cloaked, and what goes to the page afterwards. */
import { HEAD_BYTES, sniff } from '../sniff.js';

/**
 * @typedef {import('../shared/messages.js').Parcel} Parcel
 * @typedef {{ job: string, parcel: Parcel, blob: Blob, mime: string | null, cloaked: import('./connection.js').Cloaked | null,
 *   failure: import('./connection.js').JobError | null, delivered: boolean, share: number }} Photo  mime: null if it is no image;
 *   delivered: the site was given these bytes before; share: how much of the work on it is done
 */

/** @type {(parcel: Parcel, job: string) => Promise<Photo>} */
export async function examine(parcel, job) {
  const { blob } = parcel;
  let mime;
  try {
    mime = sniff(new Uint8Array(await blob.slice(0, HEAD_BYTES).arrayBuffer()));
  } catch {
    // It may be a photo: the person is asked, as for any that could not be cloaked.
    mime = 'application/octet-stream';
  }
  return { job, parcel, blob, mime, cloaked: null, failure: null, delivered: false, share: 0 };
}

/** @type {(photo: Photo) => Parcel | null} */
export function toParcel({ parcel: { name, type }, mime, cloaked, delivered }) {
  if (mime === null || delivered) return null;
  if (!cloaked) throw new Error('a photo without its cloaked file may not go');
  return { name, type, size: cloaked.blob.size, blob: cloaked.blob };
}
