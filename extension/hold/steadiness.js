// @ts-check
/** Whether a person can have seen what they press: a page may lure a click or a key to where this window is about to open. */

/** Milliseconds for which the window has to be visible, in front and unchanged. */
const STEADY_MS = 500;

export class Steadiness {
  #tell;
  #timer = 0;

  /** @param {(isSteady: boolean) => void} tell */
  constructor(tell) {
    this.#tell = tell;
    for (const name of ['focus', 'blur', 'resize']) window.addEventListener(name, () => { this.begin(); });
    document.addEventListener('visibilitychange', () => { this.begin(); });
  }

  /** Starts the time anew: the window or its content has changed. */
  begin() {
    this.#tell(false);
    clearTimeout(this.#timer);
    if (document.visibilityState === 'visible' && document.hasFocus()) this.#timer = window.setTimeout(() => { this.#tell(true); }, STEADY_MS);
  }
}
