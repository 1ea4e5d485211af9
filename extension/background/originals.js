// @ts-check
/**
 * The photos that were held, as lengths and hashes, by which their originals are recognised in requests, however a page got them.
 * A photo that the person let go uncloaked no longer counts as one.
 */
import { BlockIndex, blocksOf } from './block_hashes.js';
import { toHex } from './protocol.js';

/** The oldest are forgotten first. */
const REMEMBERED = 100;
/** Bytes of an original, or else half of it, by which a body is said to hold it: many photos share a colour profile. */
const ENOUGH = 64 * 1024;

/**
 * @typedef {{ id: string, hold: string, name: string, type: string, size: number, digest: string, isAllowed: boolean,
 *   blocks: ReturnType<typeof blocksOf> }} Original
 * @typedef {{ hold: string, files: { name: string, type: string, size: number, isOriginal: boolean }[] }} Group  the files of one
 *   upload, and which of them are photos that were held
 * @typedef {{ originals: Original[], groups: Group[], delivered: [string, number[]][], refused: string[] }} Kept  in storage.session
 */

export class Originals {
  /** @type {Map<string, Original>} */
  #originals = new Map();
  /** @type {Map<string, Group>} */
  #groups = new Map();
  /** The sizes of the cloaked files of each upload, in the order of their originals. @type {Map<string, number[]>} */
  #delivered = new Map();
  /** Uploads of which nothing was sent. @type {Set<string>} */
  #refused = new Set();
  /** Blocks that were found in earlier bodies. @type {Map<string, Set<number>>} */
  #seen = new Map();
  #index = new BlockIndex();
  /** Settles when the photos handed over so far are read. @type {Promise<unknown>} */
  #reading = this.#load();

  /** Settles when all photos handed over so far are known. */
  get ready() {
    return this.#reading;
  }

  /**
   * @param {string} hold
   * @param {{ parcel: import('../shared/messages.js').Parcel, isPhoto: boolean }[]} files all of one upload
   */
  remember(hold, files) {
    this.#reading = this.#reading.catch(() => {}).then(async () => {
      const group = files.map(({ parcel: { name, type, size }, isPhoto }) => ({ name, type, size, isOriginal: isPhoto }));
      this.#groups.set(hold, { hold, files: group });
      for (const [number, { parcel, isPhoto }] of files.entries()) {
        if (!isPhoto) continue;
        const bytes = new Uint8Array(await parcel.blob.arrayBuffer());
        const digest = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
        const { name, type, size } = parcel;
        this.#add({ id: idOf(hold, number), hold, name, type, size, digest, isAllowed: false, blocks: blocksOf(bytes) });
      }
      await this.#save();
    });
    return this.#reading;
  }

  /**
   * Records how an upload ended: an original that was let go may go again. In turn: the photos of a quick answer may still be being
   * read, and what is not known yet cannot be allowed.
   * @param {string} hold
   * @param {(number | null)[] | null} sizes of the cloaked files, null where the original was let go, or for all where nothing went
   */
  settle(hold, sizes) {
    this.#reading = this.#reading.catch(() => {}).then(() => {
      if (sizes) this.#record(hold, sizes);
      else if (this.#groups.has(hold)) this.#refused.add(hold);
      return this.#save();
    });
    return this.#reading;
  }

  /** @type {(hold: string, sizes: (number | null)[]) => void} */
  #record(hold, sizes) {
    const group = this.#groups.get(hold);
    if (!group) return;
    this.#delivered.set(hold, group.files.map(({ size }, number) => sizes[number] ?? size));
    const digests = new Set(group.files.flatMap((_, number) => (
      sizes[number] === null ? this.#originals.get(idOf(hold, number))?.digest ?? [] : []
    )));
    // The same photo may have been held before, under any name.
    for (const { hold: other, files } of this.#groups.values()) {
      files.forEach((file, number) => {
        const original = this.#originals.get(idOf(other, number));
        if (!original || !digests.has(original.digest)) return;
        original.isAllowed = true;
        file.isOriginal = false;
      });
    }
  }

  /** Whether a body of which the bytes are seen, together with earlier ones, holds an original. @type {(bytes: Uint8Array) => Promise<boolean>} */
  async areIn(bytes) {
    const originals = [...this.#originals.values()].filter(({ isAllowed }) => !isAllowed);
    if (originals.some(({ size }) => size === bytes.length)) {
      const digest = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', /** @type {BufferSource} */ (bytes))));
      if (originals.some((original) => original.digest === digest)) return true;
    }
    for (const [id, found] of this.#index.find(bytes)) {
      const original = this.#originals.get(id);
      if (!original || original.isAllowed) continue;
      const seen = new Set([...this.#seen.get(id) ?? [], ...found]);
      this.#seen.set(id, seen);
      const bound = Math.min(ENOUGH, original.size / 2);
      if (seen.size > 1 && seen.size * original.blocks.stride >= bound) return true;
    }
    return false;
  }

  /**
   * Whether the unseen part of a body has the length of originals, and not that of the files handed out in their place.
   * @param {(files: { name: string, type: string }[]) => number | null} hidden the unseen bytes, if these files are in the body; null
   *   where they cannot be
   */
  fitLength(hidden) {
    for (const { hold, files } of this.#groups.values()) {
      const delivered = this.#delivered.get(hold);
      if (delivered && files.length && hidden(files) === sum(delivered)) return false;
    }
    for (const { files } of this.#groups.values()) {
      if (!files.some(({ isOriginal }) => isOriginal)) continue;
      if (hidden(files) === sum(files.map(({ size }) => size))) return true;
      if (files.some((file) => file.isOriginal && hidden([file]) === file.size)) return true;
    }
    return false;
  }

  /**
   * Whether a file looks like a photo that was held and was not replaced by a cloaked one.
   * @param {{ name: string | null, type: string }} file name: null where it is not shown
   */
  hasUnreplaced({ name, type }) {
    const held = [...this.#groups.values()].filter(({ files }) => files.some(({ isOriginal }) => isOriginal));
    // A file without name and type may be any photo that is still held.
    if (name === null && type === '') return held.some(({ hold }) => !this.#delivered.has(hold) && !this.#refused.has(hold));
    if (name === null && !type.startsWith('image/')) return false;
    const alike = held.filter(({ files }) => files.some((file) => (
      file.isOriginal && (name === null ? type === file.type : nameOf(name) === file.name)
    )));
    return alike.length > 0 && !alike.some(({ hold }) => this.#delivered.has(hold));
  }

  /** @param {Original} original */
  #add(original) {
    this.#originals.set(original.id, original);
    this.#index.add(original.id, original.blocks);
    const [oldest] = this.#originals.keys();
    if (this.#originals.size <= REMEMBERED || oldest === undefined) return;
    const hold = String(this.#originals.get(oldest)?.hold);
    this.#originals.delete(oldest);
    this.#seen.delete(oldest);
    for (const records of [this.#groups, this.#delivered, this.#refused]) records.delete(hold);
  }

  async #load() {
    const { originals: kept } = await chrome.storage.session.get('originals');
    if (!kept) return;
    const { originals, groups, delivered, refused } = /** @type {Kept} */ (kept);
    for (const original of originals) this.#add(original);
    for (const group of groups) this.#groups.set(group.hold, group);
    for (const [hold, sizes] of delivered) this.#delivered.set(hold, sizes);
    for (const hold of refused) this.#refused.add(hold);
  }

  // A page may send an original after this background has ended.
  async #save() {
    /** @type {Kept} */
    const kept = { originals: [...this.#originals.values()], groups: [...this.#groups.values()], delivered: [...this.#delivered], refused: [...this.#refused] };
    await chrome.storage.session.set({ originals: kept });
  }
}

/** @type {(hold: string, number: number) => string} */
const idOf = (hold, number) => `${hold} ${number}`;

/** A path without its folders. @param {string} path */
const nameOf = (path) => path.slice(path.lastIndexOf('/') + 1);

/** @param {number[]} sizes */
const sum = (sizes) => sizes.reduce((all, size) => all + size, 0);
