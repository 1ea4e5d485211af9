// @ts-check
/** The toolbar button's badge: waiting uploads, sites that lost their permission, leaks, and the progress of a tab's upload. */

const COLOURS = { waiting: '#96690c', missing: '#b3372f', progress: '#4b3fb5' };

export class Badge {
  #waiting = 0;
  #missing = 0;
  #leaks = 0;

  /** @param {number} count uploads that wait for the person */
  setWaiting(count) {
    this.#waiting = count;
    this.#draw();
  }

  /** @param {number} count sites that are on and without the browser's permission */
  setMissing(count) {
    this.#missing = count;
    this.#draw();
  }

  /** @param {number} count originals that a page sent, or tried to send, past the hold */
  setLeaks(count) {
    this.#leaks = count;
    this.#draw();
  }

  // On every tab: without the permission the browser does not say which tab shows the site.
  #draw() {
    const text = this.#waiting ? String(this.#waiting) : this.#missing || this.#leaks ? '!' : '';
    void chrome.action.setBadgeText({ text });
    void chrome.action.setBadgeBackgroundColor({ color: this.#waiting ? COLOURS.waiting : COLOURS.missing });
  }

  /** @type {(tab: number | undefined, share: number | null) => void} from 0 to 1, null once there is no upload */
  showProgress(tab, share) {
    if (tab === undefined) return;
    // The tab may be closed by now.
    const quiet = () => {};
    // Null gives the tab the common badge again; the types lack it.
    const text = share === null ? /** @type {any} */ (null) : `${Math.round(100 * share)}%`;
    chrome.action.setBadgeText({ tabId: tab, text }).catch(quiet);
    const rest = this.#waiting ? COLOURS.waiting : COLOURS.missing;
    chrome.action.setBadgeBackgroundColor({ tabId: tab, color: share === null ? rest : COLOURS.progress }).catch(quiet);
  }
}
