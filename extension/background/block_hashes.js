// @ts-check
/**
 * Finds parts of known files in other bytes. A file is stored as the hashes of blocks spread over it, and a body is searched at every
 * offset with a rolling hash (Karp and Rabin, "Efficient randomized pattern-matching algorithms", 1987).
 */

/** Bytes in a block. */
export const BLOCK = 1024;
/** Most blocks that are kept of a file: in a larger file they lie further apart. */
const MAX_BLOCKS = 512;
const BASE = 0x01000193;

/** The weight of the byte that leaves the window: BASE to the power BLOCK - 1. */
const LEAVING = (() => {
  let power = 1;
  for (let index = 1; index < BLOCK; index += 1) power = Math.imul(power, BASE);
  return power;
})();

/** A second hash, which confirms what the first one finds. @type {(bytes: Uint8Array, from: number) => number} */
function checkOf(bytes, from) {
  let hash = 0x811c9dc5;
  for (let index = from; index < from + BLOCK; index += 1) hash = Math.imul(hash ^ (bytes[index] ?? 0), 0x5bd1e995) + (hash >>> 15) | 0;
  return hash;
}

/**
 * @param {Uint8Array} bytes
 * @returns {{ stride: number, hashes: number[], checks: number[] }} stride: bytes from one block to the next
 */
export function blocksOf(bytes) {
  const stride = BLOCK * Math.max(1, Math.ceil(bytes.length / BLOCK / MAX_BLOCKS));
  const hashes = [];
  const checks = [];
  for (let from = 0; from + BLOCK <= bytes.length; from += stride) {
    let hash = 0;
    for (let index = from; index < from + BLOCK; index += 1) hash = Math.imul(hash, BASE) + (bytes[index] ?? 0) | 0;
    hashes.push(hash);
    checks.push(checkOf(bytes, from));
  }
  return { stride, hashes, checks };
}

/** The blocks of many files, each file under its own name. */
export class BlockIndex {
  /** @type {Map<number, { name: string, number: number, check: number }[]>} */
  #entries = new Map();
  /** By the low 16 bits of a hash: rules most hashes out quickly. */
  #filter = new Uint8Array(1 << 16);

  /** @type {(name: string, blocks: { hashes: readonly number[], checks: readonly number[] }) => void} */
  add(name, { hashes, checks }) {
    hashes.forEach((hash, number) => {
      this.#entries.set(hash, [...this.#entries.get(hash) ?? [], { name, number, check: Number(checks[number]) }]);
      this.#filter[hash & 0xffff] = 1;
    });
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {Map<string, Set<number>>} the numbers of the blocks found, by file
   */
  find(bytes) {
    /** @type {Map<string, Set<number>>} */
    const found = new Map();
    let hash = 0;
    for (let index = 0; index < bytes.length; index += 1) {
      const leaving = index >= BLOCK ? Number(bytes[index - BLOCK]) : 0;
      hash = Math.imul(hash - Math.imul(leaving, LEAVING), BASE) + Number(bytes[index]) | 0;
      if (index < BLOCK - 1 || this.#filter[hash & 0xffff] === 0) continue;
      for (const { name, number, check } of this.#entries.get(hash) ?? []) {
        if (check === checkOf(bytes, index - BLOCK + 1)) found.set(name, (found.get(name) ?? new Set()).add(number));
      }
    }
    return found;
  }
}
