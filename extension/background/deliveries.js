// @ts-check
/**
 * Which cloaked photos each site was given. A page may read what it got once more, as another File object: cloaking that again
 * would cost the picture twice, and could draw the very scene of the original, which nothing here knows any more.
 */
import { toHex } from './protocol.js';

/** As many as a person may upload while the browser keeps the background alive; the oldest are forgotten first. */
const REMEMBERED = 1000;

export class Deliveries {
  /** Digests by size and scope, for as long as the background lives. Written nowhere. @type {Map<string, Set<string>>} */
  #digests = new Map();

  /** @type {(blob: Blob, scope: string) => Promise<void>} */
  async add(blob, scope) {
    const digest = await digestOf(blob);
    const key = keyOf(blob, scope);
    this.#digests.set(key, (this.#digests.get(key) ?? new Set()).add(digest));
    const [oldest] = this.#digests.keys();
    if (this.#digests.size > REMEMBERED && oldest !== undefined) this.#digests.delete(oldest);
  }

  /** Whether these very bytes were given anywhere. @param {Blob} blob */
  async knows(blob) {
    const sets = [...this.#digests].flatMap(([key, digests]) => (key.startsWith(keyOf(blob, '')) ? [digests] : []));
    if (sets.length === 0) return false;
    const digest = await digestOf(blob);
    return sets.some((digests) => digests.has(digest));
  }

  /** Whether these very bytes were given in this scope: the same host, under the same rule. @type {(blob: Blob, scope: string) => Promise<boolean>} */
  async has(blob, scope) {
    // Hardly ever has another photo the same size: originals need not be read for this.
    const digests = this.#digests.get(keyOf(blob, scope));
    return digests !== undefined && digests.has(await digestOf(blob));
  }
}

/** @type {(blob: Blob, scope: string) => string} */
const keyOf = (blob, scope) => `${blob.size} ${scope}`;

/** @type {(blob: Blob) => Promise<string>} */
const digestOf = async (blob) => toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())));
