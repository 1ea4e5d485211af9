// @ts-check
/** Whether a person can have seen what they press: a page may bring its own clicks and keys just to where this window opens. */

/** Milliseconds that it has to be visible, in front and unchanged. */
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

  /** What is shown has changed, or is. */
  begin() {
    this.#tell(false);
    clearTimeout(this.#timer);
    if (document.visibilityState === 'visible' && document.hasFocus()) this.#timer = window.setTimeout(() => { this.#tell(true); }, STEADY_MS);
  }
}
