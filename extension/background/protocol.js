// @ts-check
/** Protocol cloakroom.v1 without I/O: proofs, frames and the reassembly of results. daemon/wire/vectors.json tests both sides of it. */

export const VERSION = 'cloakroom.v1';
export const MAX_CHUNK = 4 * 1024 * 1024;
const JOB_BYTES = 16;

/** @param {string} hex @returns {Uint8Array<ArrayBuffer>} */
export function fromHex(hex) {
  if (!/^([0-9a-f]{2})*$/.test(hex)) throw new TypeError('not lowercase hex');
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) => parseInt(hex.slice(2 * index, 2 * index + 2), 16));
}

/** @param {Uint8Array} bytes */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {number} count bytes of randomness, as hex */
export function randomHex(count) {
  return toHex(crypto.getRandomValues(new Uint8Array(count)));
}

/** The HMAC key that a typed pairing code stands for. @param {string} typed */
export function codeKey(typed) {
  return new TextEncoder().encode(typed.toUpperCase().replace(/[-\s]/g, ''));
}

/** @type {(side: 'client' | 'daemon', daemonNonce: string, clientNonce: string, host: string) => Uint8Array<ArrayBuffer>} */
const proofText = (side, daemonNonce, clientNonce, host) => new TextEncoder().encode(`${VERSION}\n${side}\n${daemonNonce}\n${clientNonce}\n${host}`);

/** @type {(raw: Uint8Array<ArrayBuffer>) => Promise<CryptoKey>} */
const hmacKey = (raw) => crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);

/**
 * The client's proof, hex.
 * @type {(key: Uint8Array<ArrayBuffer>, daemonNonce: string, clientNonce: string, host: string) => Promise<string>}
 */
export async function prove(key, daemonNonce, clientNonce, host) {
  return toHex(new Uint8Array(await crypto.subtle.sign('HMAC', await hmacKey(key), proofText('client', daemonNonce, clientNonce, host))));
}

/**
 * Whether the daemon proved that it knows the key. The comparison is WebCrypto's, in constant time.
 * @type {(proof: unknown, key: Uint8Array<ArrayBuffer>, daemonNonce: string, clientNonce: string, host: string) => Promise<boolean>}
 */
export async function verifyDaemon(proof, key, daemonNonce, clientNonce, host) {
  if (typeof proof !== 'string' || !/^[0-9a-f]{64}$/.test(proof)) return false;
  return crypto.subtle.verify('HMAC', await hmacKey(key), fromHex(proof), proofText('daemon', daemonNonce, clientNonce, host));
}

/**
 * The binary frames of a photo, made one by one so that it is not copied as a whole.
 * @param {string} job
 * @param {Uint8Array} bytes
 * @param {number} chunk
 */
export function* frames(job, bytes, chunk = MAX_CHUNK) {
  for (let start = 0; start < bytes.length; start += chunk) {
    const part = bytes.subarray(start, start + chunk);
    const frame = new Uint8Array(JOB_BYTES + part.length);
    frame.set(fromHex(job));
    frame.set(part, JOB_BYTES);
    yield frame;
  }
}

/**
 * @param {ArrayBuffer} buffer
 * @returns {{ job: string, chunk: Uint8Array<ArrayBuffer> }}
 * @throws {TypeError} for a frame without a job id, without or with too much content
 */
export function readFrame(buffer) {
  if (buffer.byteLength <= JOB_BYTES || buffer.byteLength > JOB_BYTES + MAX_CHUNK) throw new TypeError('not a frame');
  return { job: toHex(new Uint8Array(buffer, 0, JOB_BYTES)), chunk: new Uint8Array(buffer, JOB_BYTES) };
}

/** Puts the chunks of one result together. */
export class Assembly {
  #size;
  #had = 0;
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #chunks = [];

  /** @param {number} size bytes that were announced */
  constructor(size) {
    this.#size = size;
  }

  get complete() {
    return this.#had === this.#size;
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} chunk
   * @throws {TypeError} for more bytes than were announced
   */
  add(chunk) {
    if (chunk.length === 0 || this.#had + chunk.length > this.#size) throw new TypeError('not the announced size');
    this.#had += chunk.length;
    this.#chunks.push(chunk);
  }

  /** @param {string} type media type */
  blob(type) {
    return new Blob(this.#chunks, { type });
  }
}
