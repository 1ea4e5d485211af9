// @ts-check
/**
 * Which cloaked photos each site was given. A page may upload what it got once more, as another File object: cloaking it again would
 * degrade the picture twice, and could restore the scene of the original, which is no longer known here.
 */
import { toHex } from './protocol.js';

/** More than a person uploads while the browser keeps the background alive; the oldest are forgotten first. */
const REMEMBERED = 1000;

export class Deliveries {
  /** Digests by size and scope, in memory only. @type {Map<string, Set<string>>} */
  #digests = new Map();

  /** @type {(blob: Blob, scope: string) => Promise<void>} */
  async add(blob, scope) {
    const digest = await digestOf(blob);
    const key = keyOf(blob, scope);
    this.#digests.set(key, (this.#digests.get(key) ?? new Set()).add(digest));
    const [oldest] = this.#digests.keys();
    if (this.#digests.size > REMEMBERED && oldest !== undefined) this.#digests.delete(oldest);
  }

  /** Whether these very bytes were given to any site. @param {Blob} blob */
  async hasAnywhere(blob) {
    const sets = [...this.#digests].flatMap(([key, digests]) => (key.startsWith(keyOf(blob, '')) ? [digests] : []));
    if (sets.length === 0) return false;
    const digest = await digestOf(blob);
    return sets.some((digests) => digests.has(digest));
  }

  /** Whether these very bytes were given in this scope: to the same host, under the same rule. @type {(blob: Blob, scope: string) => Promise<boolean>} */
  async has(blob, scope) {
    // Another photo hardly ever has the same size, so originals are not read for this.
    const digests = this.#digests.get(keyOf(blob, scope));
    return digests !== undefined && digests.has(await digestOf(blob));
  }
}

/** @type {(blob: Blob, scope: string) => string} */
const keyOf = (blob, scope) => `${blob.size} ${scope}`;

/** @type {(blob: Blob) => Promise<string>} */
const digestOf = async (blob) => toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())));
