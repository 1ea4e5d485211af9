// @ts-check
/** Ports to the content scripts: takes held uploads, and answers what may go. */
import { Deliveries } from './deliveries.js';
import { handleMessages } from './dispatch.js';
import { endOnce } from './once_rules.js';
import { originOf } from './origin.js';
import { saveNotFound } from './recent_uploads.js';
import { Upload } from './upload.js';

const ALIVE_MS = 20_000;

export class ContentPorts {
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
    this.#tools = { connection, window, sites, deliveries: new Deliveries(), originals };
    this.#badge = badge;
  }

  /** @param {chrome.runtime.Port} port from a content script */
  adopt(port) {
    /** @type {Map<string, Upload>} */
    const uploads = new Map();
    /** @type {import('./dispatch.js').Handlers<import('../shared/messages.js').FromContent>} */
    const handlers = {
      probe: ({ blob }) => { port.postMessage({ type: 'probe', intact: blob instanceof Blob && blob.size === 9, blob }); },
      hold: (message) => { this.#hold(message, port, uploads); },
      abandon: ({ hold }) => {
        uploads.get(hold)?.abandon();
        uploads.delete(hold);
      },
      // That it arrives keeps the background alive.
      alive: () => {},
    };
    handleMessages(port, handlers);
    port.onDisconnect.addListener(() => {
      for (const upload of uploads.values()) upload.abandon();
      uploads.clear();
    });
  }

  /** @type {(message: Extract<import('../shared/messages.js').FromContent, { type: 'hold' }>, port: chrome.runtime.Port, uploads: Map<string, Upload>) => void} */
  #hold(message, port, uploads) {
    const id = message.hold;
    void saveNotFound(message.missing).catch(() => {});
    // A second one under the same id would ask the daemon for a photo that has long gone.
    if (uploads.has(id)) return;
    const tab = port.sender?.tab?.id;
    const isWanted = () => uploads.get(id) === upload;
    /** @param {import('../shared/messages.js').ToContent} answer */
    const say = (answer) => { if (isWanted()) port.postMessage(answer); };
    const upload = new Upload(message, originOf(port.sender, message.around), tab, this.#tools, (state, share) => {
      say({ type: 'status', hold: id, state, share });
      if (isWanted()) this.#badge.showProgress(tab, state === 'working' ? share : null);
    });
    uploads.set(id, upload);
    this.#begin();
    void upload.settle().catch(() => null).then(async (parcels) => {
      this.#end();
      const wasWanted = isWanted();
      if (upload.hasOnce) await endOnce(tab, id, wasWanted).catch(() => {});
      this.#badge.showProgress(tab, null);
      say({ type: 'status', hold: id, state: upload.outcome ?? 'ended', share: 1 });
      say(parcels ? { type: 'release', hold: id, parcels } : { type: 'refuse', hold: id });
      if (wasWanted) uploads.delete(id);
    });
  }

  // Both browsers end a background after 30 s without activity, and a call to the browser is activity.
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
