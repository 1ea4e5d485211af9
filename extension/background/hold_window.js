// @ts-check
/** The window in which uploads wait for a person's answer. One window shows all of them; no page can answer. */
import { handleMessages } from './dispatch.js';

const WINDOW = { type: /** @type {const} */ ('popup'), width: 480, height: 560 };

/** @typedef {import('../shared/messages.js').Answer} Answer */
/** @typedef {{ waiting: import('../shared/messages.js').Waiting, choose: (answer: Answer) => void }} Entry */

export class HoldWindow {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {Set<chrome.runtime.Port>} */
  #ports = new Set();
  #opening = false;
  #badge;

  /** @param {import('./badge.js').Badge} badge */
  constructor(badge) {
    this.#badge = badge;
  }

  get size() {
    return this.#entries.size;
  }

  /**
   * @param {import('../shared/messages.js').Waiting} waiting
   * @returns {Promise<Answer>} settles once the person has answered, or `withdraw` was called
   */
  ask(waiting) {
    return new Promise((choose) => {
      this.#entries.set(waiting.id, { waiting, choose });
      this.#update();
      void this.show();
    });
  }

  /** Removes an upload whose page was left, or gave it up. @param {string} id */
  withdraw(id) {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    this.#update();
    entry.choose({ choice: 'cancel', remember: false });
  }

  /** Opens the window, unless it is open. */
  async show() {
    if (this.#ports.size || this.#opening || this.size === 0) return;
    this.#opening = true;
    const url = chrome.runtime.getURL('hold/hold.html');
    try {
      await chrome.windows.create({ url, ...WINDOW });
    } catch {
      await chrome.tabs.create({ url });
    } finally {
      this.#opening = false;
    }
  }

  /** @param {chrome.runtime.Port} port from the window */
  adopt(port) {
    this.#ports.add(port);
    port.onDisconnect.addListener(() => { this.#ports.delete(port); });
    /** @type {import('./dispatch.js').Handlers<import('../shared/messages.js').FromHoldWindow>} */
    const handlers = {
      closing: () => {
        this.#ports.delete(port);
        void this.show();
      },
      choose: (answer) => { this.#settle(answer); },
    };
    handleMessages(port, handlers);
    port.postMessage(this.#message());
  }

  /** Ends an upload's wait, unless the choice was not among those offered. @param {{ hold: string } & Answer} answer */
  #settle({ hold, choice, remember }) {
    const entry = this.#entries.get(hold);
    if (!entry?.waiting.choices.includes(choice)) return;
    this.#entries.delete(hold);
    this.#update();
    entry.choose({ choice, remember: remember && entry.waiting.remembers.includes(choice) });
  }

  #update() {
    this.#badge.setWaiting(this.size);
    for (const port of this.#ports) port.postMessage(this.#message());
  }

  /** @returns {import('../shared/messages.js').ToHoldWindow} */
  #message() {
    return { type: 'holds', holds: Array.from(this.#entries.values(), ({ waiting }) => waiting) };
  }
}
