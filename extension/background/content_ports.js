// @ts-check
/** Takes held uploads from the content scripts, and says what may go. */
import { Delivered } from './deliveries.js';
import { Hold } from './upload.js';
import { endOnce } from './once_rules.js';
import { originOf } from './origin.js';
import { saveNotFound } from './recent_uploads.js';

const ALIVE_MS = 20_000;

export class Uploads {
  #tools;
  #badge;
  #running = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #alive;

  /**
   * @param {import('./connection.js').Connection} connection
   * @param {import('./hold_window.js').HoldWindow} window
   * @param {import('./badge.js').Badge} badge
   * @param {import('./originals.js').Originals} originals
   */
  constructor(connection, window, badge, originals) {
    /** @type {Promise<import('../policy/hosts.js').SiteTable>} */
    const sites = fetch(chrome.runtime.getURL('sites.json')).then((answer) => answer.json());
    this.#tools = { connection, window, sites, delivered: new Delivered(), originals };
    this.#badge = badge;
  }

  /** @param {chrome.runtime.Port} port from a content script */
  adopt(port) {
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
        this.#hold(message, port, holds);
      }
    });
    port.onDisconnect.addListener(() => {
      for (const hold of holds.values()) hold.abandon();
      holds.clear();
    });
  }

  /** @type {(message: Extract<import('../shared/messages.js').FromContent, { type: 'hold' }>, port: chrome.runtime.Port, holds: Map<string, Hold>) => void} */
  #hold(message, port, holds) {
    const id = message.hold;
    void saveNotFound(message.missing).catch(() => {});
    // An upload goes on as it began: twice under one name, one of them would ask for a photo that has long gone.
    if (holds.has(id)) return;
    const tab = port.sender?.tab?.id;
    /** @param {import('../shared/messages.js').ToContent} answer */
    const say = (answer) => { if (holds.get(id) === hold) port.postMessage(answer); };
    const hold = new Hold(message, originOf(port.sender, message.around), tab, this.#tools, (state, share) => {
      say({ type: 'status', hold: id, state, share });
      if (holds.get(id) === hold) this.#badge.showProgress(tab, state === 'working' ? share : null);
    });
    holds.set(id, hold);
    this.#begin();
    void hold.settle().catch(() => null).then(async (parcels) => {
      this.#end();
      const isWanted = holds.get(id) === hold;
      if (hold.hasOnce) await endOnce(tab, id, isWanted).catch(() => {});
      this.#badge.showProgress(tab, null);
      say({ type: 'status', hold: id, state: hold.outcome ?? 'ended', share: 1 });
      say(parcels ? { type: 'release', hold: id, parcels } : { type: 'refuse', hold: id });
      if (isWanted) holds.delete(id);
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
