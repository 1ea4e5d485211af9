// @ts-check
/**
 * The small status in the page: shows how an upload stands, and nothing else. It lies in a closed shadow root, takes no pointer
 * and no key, and decides nothing: a page that covers, removes or forges it gains nothing.
 */
(() => {
  /** A photo that is done sooner shows no status. */
  const DELAY_MS = 500;
  const SHOWN_MS = { cloaked: 2000, weak: 4000, original: 4000, cancelled: 4000, blocked: 8000, outdated: 20_000 };
  const LOOK = {
    position: 'fixed', insetBlockEnd: '16px', insetInlineEnd: '16px', zIndex: '2147483647', pointerEvents: 'none', maxInlineSize: '320px',
    padding: '10px 14px', borderRadius: '10px', background: '#17181b', color: '#ececee', font: '14px/1.4 system-ui, sans-serif',
    boxShadow: '0 2px 12px #0006', colorScheme: 'dark',
  };

  /** @type {HTMLElement | null} */
  let host = null;
  /** @type {HTMLElement | null} */
  let line = null;
  let words = '';
  let timer = 0;

  const draw = () => {
    if (!line || !host) {
      host = document.createElement('div');
      // Overrides the page's own style rules.
      Object.assign(host.style, { all: 'initial', position: 'fixed', pointerEvents: 'none' });
      line = document.createElement('div');
      // Not earlier: the first message costs milliseconds, which a page without uploads should not pay.
      Object.assign(line.style, LOOK, { direction: chrome.i18n.getMessage('direction') });
      line.setAttribute('role', 'status');
      host.attachShadow({ mode: 'closed' }).append(line);
    }
    if (!host.isConnected) document.documentElement?.append(host);
    if (line.textContent !== words) line.textContent = words;
  };

  /** @type {(state: import('../shared/messages.js').Status, share: number) => void} */
  const show = (state, share) => {
    words = chrome.i18n.getMessage(`status_${state}`, String(Math.round(100 * share)));
    const isShown = host?.isConnected === true;
    if (state === 'working' && !isShown) {
      timer ||= window.setTimeout(draw, DELAY_MS);
      return;
    }
    hideLater(0);
    // Success is shown only if the work was.
    if (state === 'ended' || (state === 'cloaked' && !isShown)) {
      host?.remove();
      return;
    }
    draw();
    if (state !== 'working' && state !== 'waiting') hideLater(SHOWN_MS[state]);
  };

  /** @param {number} wait milliseconds; 0 to stay */
  const hideLater = (wait) => {
    clearTimeout(timer);
    timer = wait ? window.setTimeout(hide, wait) : 0;
  };

  const hide = () => {
    hideLater(0);
    host?.remove();
  };

  Object.defineProperty(globalThis, 'cloakroomStatus', { value: { show, hide } });
})();
