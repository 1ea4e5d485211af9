// @ts-check
/**
 * Which cloaked photos each site was given. A page may read what it got once more, as another File object: cloaking that again
 * would cost the picture twice, and could draw the very scene of the original, which nothing here knows any more.
 */

/** As many as a person may upload while the browser keeps the background alive; the oldest are forgotten first. */
const REMEMBERED = 1000;

export class Delivered {
  /** Digests by scope, for as long as the background lives. Written nowhere. @type {Set<string>} */
  #keys = new Set();

  /** @type {(blob: Blob, scope: string) => Promise<void>} */
  async add(blob, scope) {
    this.#keys.add(await keyOf(blob, scope));
    const [oldest] = this.#keys;
    if (this.#keys.size > REMEMBERED && oldest !== undefined) this.#keys.delete(oldest);
  }

  /** Whether these very bytes were given in this scope: the same host, under the same rule. @type {(blob: Blob, scope: string) => Promise<boolean>} */
  async has(blob, scope) {
    return this.#keys.size > 0 && this.#keys.has(await keyOf(blob, scope));
  }
}

/** @type {(blob: Blob, scope: string) => Promise<string>} */
async function keyOf(blob, scope) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
  return `${digest.join()} ${scope}`;
}
