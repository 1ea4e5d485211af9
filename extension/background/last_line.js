// @ts-check
/**
 * The last line of defence: looks for originals in every request that a page of a site that is on sends. Firefox shows bodies that it
 * holds in memory, and the length of all others; a request with an original is stopped. Chromium shows bytes that a script made, and of
 * files a name or a type; it lets only extensions installed by a policy stop requests, so there the person is told.
 */
import { bareHost } from '../policy/hosts.js';
import { lengthOfFiles, readBody, decodings } from './request_bodies.js';

const FILTER = { urls: ['http://*/*', 'https://*/*'] };
/** Most requests that wait for their headers, which tell the length. */
const MAX_OPEN = 500;

/** @typedef {import('./request_bodies.js').Body} Body */
/** @typedef {{ host: string, isStopped: boolean }} Leak */

export class LastLine {
  #originals;
  #onLeak;
  /** @type {Promise<Set<string>>} */
  #hosts;
  /** @type {(hosts: Set<string>) => void} */
  #known = () => {};
  #isListening = false;
  #blocks = navigator.userAgent.includes('Firefox');
  /** @type {Map<string, Body>} */
  #open = new Map();

  /**
   * @param {import('./originals.js').Originals} originals
   * @param {(leak: Leak) => void} onLeak
   */
  constructor(originals, onLeak) {
    this.#originals = originals;
    this.#onLeak = onLeak;
    this.#hosts = new Promise((known) => { this.#known = known; });
    // At once: the browser may have started the background for a request, and asks no listener that is added later.
    this.#listen();
  }

  /** Looks at the requests of these hosts only; listens to none if there are none. @param {string[]} hosts those that are on */
  watch(hosts) {
    const all = new Set(hosts);
    this.#known(all);
    this.#hosts = Promise.resolve(all);
    if (hosts.length) this.#listen();
    else this.#stop();
  }

  #listen() {
    if (this.#isListening) return;
    this.#isListening = true;
    const extra = this.#blocks ? ['blocking'] : [];
    chrome.webRequest.onBeforeRequest.addListener(/** @type {any} */ (this.#onBeforeRequest), FILTER, /** @type {any} */ ([...extra, 'requestBody']));
    chrome.webRequest.onBeforeSendHeaders.addListener(/** @type {any} */ (this.#onBeforeSendHeaders), FILTER, /** @type {any} */ ([...extra, 'requestHeaders']));
  }

  #stop() {
    if (!this.#isListening) return;
    this.#isListening = false;
    chrome.webRequest.onBeforeRequest.removeListener(/** @type {any} */ (this.#onBeforeRequest));
    chrome.webRequest.onBeforeSendHeaders.removeListener(/** @type {any} */ (this.#onBeforeSendHeaders));
  }

  /** @param {chrome.webRequest.OnBeforeRequestDetails} details */
  #onBeforeRequest = (details) => {
    const body = details.method === 'GET' || details.method === 'HEAD' ? null : readBody(details.requestBody);
    if (!body) return {};
    if (body.hidden) {
      const [oldest] = this.#open.keys();
      if (this.#open.size >= MAX_OPEN && oldest !== undefined) this.#open.delete(oldest);
      this.#open.set(details.requestId, body);
    }
    return this.#inspect(details, body);
  };

  /** @type {(details: chrome.webRequest.OnBeforeRequestDetails, body: Body) => Promise<chrome.webRequest.BlockingResponse>} */
  #inspect = async (details, body) => {
    if (!(await this.#isWatched(details))) {
      this.#open.delete(details.requestId);
      return {};
    }
    await this.#originals.ready.catch(() => {});
    for (const bytes of body.bytes.flatMap(decodings)) if (await this.#originals.areIn(bytes)) return this.#report(details);
    return !this.#blocks && body.files.some((file) => this.#originals.hasUnreplaced(file)) ? this.#report(details) : {};
  };

  /** @param {chrome.webRequest.OnBeforeSendHeadersDetails} details */
  #onBeforeSendHeaders = (details) => {
    const body = this.#open.get(details.requestId);
    if (!body) return {};
    this.#open.delete(details.requestId);
    const header = (/** @type {string} */ name) => details.requestHeaders?.find((each) => each.name.toLowerCase() === name)?.value ?? '';
    if (!this.#blocks) {
      // Chromium tells no length here, and no name of a body that is a file.
      void this.#originals.ready.then(() => { if (this.#originals.hasUnreplaced({ name: null, type: header('content-type') })) this.#report(details); });
      return {};
    }
    const total = Number(header('content-length'));
    const boundary = /boundary="?([^";]+)/.exec(header('content-type'))?.[1];
    const shown = body.bytes.reduce((sum, { length }) => sum + length, 0);
    const fits = total > 0 && this.#originals.fitLength((files) => {
      if (!body.fields) return total - shown;
      return boundary ? lengthOfFiles(body.fields, boundary, total, files) : null;
    });
    return fits ? this.#report(details) : {};
  };

  /** Whether a watched page makes the request: to whom does not matter, as a page may send to any host. @param {{ url: string, initiator?: string, originUrl?: string, documentUrl?: string }} details */
  async #isWatched(details) {
    const hosts = await this.#hosts;
    return [details.url, details.initiator, details.originUrl, details.documentUrl].some((address) => hosts.has(hostOf(address)));
  }

  /** @param {{ url: string, initiator?: string, originUrl?: string, documentUrl?: string }} details */
  #report(details) {
    const from = details.documentUrl ?? details.originUrl ?? details.initiator;
    this.#onLeak({ host: hostOf(from) || hostOf(details.url), isStopped: this.#blocks });
    return this.#blocks ? { cancel: true } : {};
  }
}

/** @param {string | undefined} address */
function hostOf(address) {
  try {
    return bareHost(new URL(address ?? '').hostname);
  } catch {
    return '';
  }
}
