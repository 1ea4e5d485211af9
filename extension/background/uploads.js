// @ts-check
/** Takes held uploads from the content scripts, has their photos cloaked, and says what may go. Every doubt holds. */
import { channelFor, ruleFor } from '../policy.js';
import { HEAD_BYTES, sniff } from '../sniff.js';
import { JobError } from './connection.js';
import { Delivered } from './delivered.js';
import { randomHex } from './protocol.js';
import { loadPolicy, saveLast } from './settings.js';

const ALIVE_MS = 20_000;

/**
 * @typedef {import('../shared/messages.js').Parcel} Parcel
 * @typedef {{ job: string, parcel: Parcel, blob: Blob, mime: string | null, cloaked: import('./connection.js').Cloaked | null,
 *   failure: JobError | null, delivered: boolean }} Photo  delivered: it is what the site was given before
 */

export class Uploads {
  #connection;
  #window;
  /** @type {Promise<{ sites: import('../policy.js').SiteEntry[] }>} */
  #sites;
  #delivered = new Delivered();
  #running = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #alive;

  /**
   * @param {import('./connection.js').Connection} connection
   * @param {import('./holds.js').HoldWindow} window
   */
  constructor(connection, window) {
    this.#connection = connection;
    this.#window = window;
    this.#sites = fetch(chrome.runtime.getURL('sites.json')).then((answer) => answer.json());
  }

  /** @param {chrome.runtime.Port} port from a content script */
  adopt(port) {
    const origin = originOf(port.sender);
    /** @type {Map<string, Hold>} */
    const holds = new Map();
    port.onMessage.addListener((/** @type {import('../shared/messages.js').FromContent} */ message) => {
      if (message.type === 'probe') {
        const intact = message.blob instanceof Blob && message.blob.size === 9;
        port.postMessage({ type: 'probe', intact, blob: message.blob });
      } else if (message.type === 'abandon') {
        holds.get(message.hold)?.abandon();
        holds.delete(message.hold);
      } else if (message.type === 'hold') {
        const hold = new Hold(message, origin, this.#connection, this.#window, this.#sites, this.#delivered);
        holds.set(message.hold, hold);
        this.#begin();
        void hold.settle().catch(() => null).then((parcels) => {
          this.#end();
          if (!holds.delete(message.hold)) return;
          /** @type {import('../shared/messages.js').ToContent} */
          const answer = parcels ? { type: 'release', hold: message.hold, parcels } : { type: 'refuse', hold: message.hold };
          port.postMessage(answer);
        });
      }
    });
    port.onDisconnect.addListener(() => {
      for (const hold of holds.values()) hold.abandon();
      holds.clear();
    });
  }

  // Both browsers end a silent background after 30 s; a call to the browser counts as life.
  #begin() {
    this.#running += 1;
    this.#alive ??= setInterval(() => { void chrome.runtime.getPlatformInfo(); }, ALIVE_MS);
  }

  #end() {
    this.#running -= 1;
    if (this.#running > 0) return;
    clearInterval(this.#alive);
    this.#alive = undefined;
  }
}

/** One upload: all the files that a person picked, dropped or pasted at once. */
class Hold {
  #message;
  #host;
  #isBorrowed;
  #connection;
  #window;
  #sites;
  #delivered;
  #gone = false;
  /** @type {Photo[]} */
  #photos = [];
  #begun = Date.now();

  /**
   * @param {Extract<import('../shared/messages.js').FromContent, { type: 'hold' }>} message
   * @param {Origin | null} origin
   * @param {import('./connection.js').Connection} connection
   * @param {import('./holds.js').HoldWindow} window
   * @param {Promise<{ sites: import('../policy.js').SiteEntry[] }>} sites
   * @param {Delivered} delivered
   */
  constructor(message, origin, connection, window, sites, delivered) {
    this.#message = message;
    this.#host = origin?.host ?? null;
    this.#isBorrowed = origin?.isBorrowed ?? false;
    this.#connection = connection;
    this.#window = window;
    this.#sites = sites;
    this.#delivered = delivered;
  }

  /** The page is gone, or gave up. */
  abandon() {
    this.#gone = true;
    for (const { job, cloaked } of this.#photos) if (!cloaked) this.#connection.cancel(job);
    this.#window.withdraw(this.#message.hold);
  }

  /** @returns {Promise<(Parcel | null)[] | null>} what may go, null for nothing */
  async settle() {
    const { jobs, parcels, again } = this.#message;
    if (jobs.length !== parcels.length) return null;
    const files = await Promise.all(parcels.map((parcel, index) => examine(parcel, String(jobs[index]))));
    this.#photos = files.filter(({ mime }) => mime !== null);
    if (this.#photos.length === 0) return parcels.map(() => null);
    if (this.#host === null) return null;
    let resumed = again;
    while (!this.#gone) {
      const rule = ruleFor(await loadPolicy(), this.#host);
      // Switched off after the page was loaded. Of a frame that only lies in a tab of that host this says nothing.
      if (rule.mode === 'off' && !this.#isBorrowed) return parcels.map(() => null);
      await this.#cloak(rule, resumed);
      resumed = false;
      const unsettled = this.#photos.filter((photo) => !isSettled(photo));
      if (unsettled.length === 0) {
        this.#remember('cloaked');
        return Promise.all(files.map(toParcel));
      }
      if (this.#gone) return null;
      const choice = await this.#window.ask(this.#describe(unsettled));
      if (choice === 'cancel') {
        this.#remember('cancelled');
        return null;
      }
      if (choice !== 'retry') {
        this.#remember(choice === 'attempt' ? 'weak' : 'original');
        return Promise.all(files.map((photo) => (
          choice === 'original' && unsettled.includes(photo) ? null : toParcel(photo)
        )));
      }
      for (const photo of unsettled) {
        // A finished attempt is known to the daemon under its id; another one needs another.
        photo.job = randomHex(16);
        photo.cloaked = null;
        photo.failure = null;
      }
    }
    return null;
  }

  /** @type {(rule: import('../policy.js').Rule, again: boolean) => Promise<void>} */
  async #cloak({ protectors, strength, sensitive }, again) {
    const channel = channelFor(await this.#sites, String(this.#host));
    const scope = JSON.stringify([this.#host, protectors, strength, sensitive]);
    await Promise.all(this.#photos.filter((photo) => !photo.cloaked).map(async (photo) => {
      const { job, parcel, blob, mime } = photo;
      const request = { job, name: parcel.name.slice(0, 1024), mime: String(mime), size: blob.size, channel, policy: { protectors, strength, sensitive } };
      try {
        if (parcel.size !== blob.size) throw new JobError('too-large');
        // Not even to the daemon: they are large, and it would only say no. Of images it knows best what to say.
        if (mime?.startsWith('video/')) throw new JobError('video');
        photo.delivered = await this.#delivered.has(blob, scope);
        if (photo.delivered) return;
        photo.cloaked = await this.#connection.protect(request, blob, again);
        if (isSettled(photo)) await this.#delivered.add(photo.cloaked.blob, scope);
      } catch (error) {
        photo.failure = error instanceof JobError ? error : new JobError('internal');
      }
    }));
  }

  /** @param {Photo[]} unsettled @returns {import('../shared/messages.js').Waiting} */
  #describe(unsettled) {
    const failure = unsettled.find((photo) => photo.failure)?.failure;
    return {
      id: this.#message.hold,
      host: String(this.#host),
      files: unsettled.map(({ parcel: { name, size } }) => ({ name, size })),
      code: failure ? failure.code : 'not-protected',
      detail: failure ? failure.message : '',
      choices: failure ? ['retry', 'original', 'cancel'] : ['retry', 'attempt', 'original', 'cancel'],
    };
  }

  /** @param {'cloaked' | 'weak' | 'original' | 'cancelled'} outcome */
  #remember(outcome) {
    const photos = this.#photos.filter(({ delivered }) => !delivered);
    if (photos.length === 0) return;
    const reports = photos.flatMap(({ cloaked }) => (cloaked ? [cloaked.report] : []));
    const psnrs = reports.map(({ psnr }) => psnr).filter((psnr) => typeof psnr === 'number');
    void saveLast({
      host: String(this.#host), when: Date.now(), photos: photos.length, outcome,
      seconds: (Date.now() - this.#begun) / 1000, psnr: psnrs.length ? Math.min(...psnrs) : null, reports,
    });
  }
}

/** Only a report that says so settles a photo, once. @param {Photo} photo */
const isSettled = ({ cloaked, delivered }) => delivered || cloaked?.report.protected === true;

/** @type {(parcel: Parcel, job: string) => Promise<Photo>} */
async function examine(parcel, job) {
  const blob = parcel.blob ?? new Blob([Uint8Array.from(atob(parcel.text ?? ''), (letter) => letter.charCodeAt(0))]);
  let mime;
  try {
    if (!parcel.blob && parcel.text === null) throw new TypeError('the page could not read it');
    mime = sniff(new Uint8Array(await blob.slice(0, HEAD_BYTES).arrayBuffer()));
  } catch {
    // It may be a photo: the person hears of it, as of any that could not be cloaked.
    mime = 'application/octet-stream';
  }
  return { job, parcel, blob, mime, cloaked: null, failure: null, delivered: false };
}

/** @type {(photo: Photo) => Promise<Parcel | null>} */
async function toParcel({ parcel, mime, cloaked, delivered }) {
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

/**
 * The host whose rule counts: the frame's origin, which the browser vouches for. A sandboxed frame has none, and borrows its tab's.
 * @typedef {{ host: string, isBorrowed: boolean }} Origin
 * @type {(sender: chrome.runtime.MessageSender | undefined) => Origin | null}
 */
function originOf(sender) {
  const host = hostIn(sender?.origin) ?? hostIn(sender?.url);
  if (host) return { host, isBorrowed: false };
  const lent = hostIn(sender?.tab?.url);
  return lent ? { host: lent, isBorrowed: true } : null;
}

/** The host of a web address, null for "null", about:blank and the like. @param {string | undefined} address */
function hostIn(address) {
  try {
    const { hostname, protocol } = new URL(address ?? '');
    return hostname && /^https?:$/.test(protocol) ? hostname : null;
  } catch {
    return null;
  }
}
