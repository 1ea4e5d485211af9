// @ts-check
/**
 * Runs in the isolated world of every frame of a site that is on, before the page's scripts. Carries held files from the
 * page's world to the background and back; decides nothing.
 */
(() => {
  /** Browsers end a background after 30 s of silence: a message this often keeps it alive. */
  const ALIVE_MS = 20_000;
  const RECONNECT_MS = [200, 1000, 3000, 10_000];
  /** Set by status.js, which ran before. */
  const status = /** @type {Record<'cloakroomStatus', import('../shared/messages.js').PageStatus>} */ (/** @type {unknown} */ (globalThis)).cloakroomStatus;

  /** @typedef {{ id: number, jobs: string[], files: File[], missing: string[], port: chrome.runtime.Port | null }} Hold  port: by which it was sent last */
  /** @type {Map<string, Hold>} */
  const holds = new Map();
  /** @type {MessagePort | null} */
  let page = null;
  /** @type {chrome.runtime.Port | null} */
  let background = null;
  /** @type {Promise<boolean> | null} */
  let intact = null;
  let attempt = 0;
  let timer = 0;

  window.addEventListener('cloakroom-offer', (event) => {
    const offered = /** @type {MessageEvent} */ (event).ports[0];
    if (!offered) return;
    page = offered;
    page.onmessage = (message) => { onHeld(/** @type {import('../shared/messages.js').Held} */ (message.data)); };
    hear(page);
  }, { once: true });

  /** Offers a port to the window around, whose scripts control this one if it is older than its document. */
  const greet = () => {
    const { port2 } = new MessageChannel();
    const arrival = new MessageEvent('cloakroom-arrival', { ports: [port2], cancelable: true });
    window.dispatchEvent(arrival);
    if (!arrival.defaultPrevented) return;
    page = port2;
    hear(page);
  };

  /** Serves what the scripts in the page's world ask for synchronously, by events at the port that both worlds share. @param {MessagePort} port */
  const hear = (port) => {
    port.addEventListener('listen', listen);
    port.addEventListener('look', (event) => { lookBelow(/** @type {SubmitEvent} */ (event).submitter); });
    port.addEventListener('write', (event) => { Reflect.apply(Document.prototype.write, document, [/** @type {MessageEvent} */ (event).data]); });
  };

  const listen = () => {
    for (const name of ['input', 'change', 'drop', 'paste']) window.addEventListener(name, stopUnlessOffered, true);
    for (const name of ['click', 'input', 'drop']) window.addEventListener(name, showBelow, true);
  };

  /** @type {(node: unknown) => node is HTMLInputElement} */
  const isFileInput = (node) => node instanceof HTMLInputElement && node.type === 'file';

  /** Stops an upload for good if our scripts in the page's world are missing: nothing else would hold it. @param {Event} event */
  const stopUnlessOffered = (event) => {
    // Where a page may not run scripts, this one may be there before those that control the frame.
    if (!page) greet();
    if (page) return;
    const input = event.composedPath()[0];
    const transfer = /** @type {DragEvent} */ (event).dataTransfer ?? /** @type {ClipboardEvent} */ (event).clipboardData;
    const isPick = isFileInput(input);
    if (!isPick && !transfer?.files.length) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (isPick) input.value = '';
  };

  // Firefox's content scripts see it as a property of the element.
  /** @type {(host: HTMLElement) => ShadowRoot | null} */
  const rootBelow = (host) => ('openOrClosedShadowRoot' in host
    ? /** @type {ShadowRoot | null} */ (host.openOrClosedShadowRoot)
    : chrome.dom.openOrClosedShadowRoot(host));

  /**
   * Shows the scripts in the page's world the file inputs of a shadow root before the event gets there: roots that a page declared
   * in its markup are out of their reach. Typing, which is `input` too, brings no file.
   * @param {Event} event
   */
  const showBelow = (event) => { if (!(event instanceof InputEvent)) lookBelow(event.composedPath()[0]); };

  /** @param {unknown} node */
  const lookBelow = (node) => {
    if (!(node instanceof HTMLElement)) return;
    const around = node.getRootNode();
    const root = around instanceof ShadowRoot ? around : rootBelow(node);
    if (root) show(root);
  };

  /** @param {ShadowRoot} root */
  const show = (root) => {
    for (const node of root.querySelectorAll('*')) {
      if (!(node instanceof HTMLElement)) continue;
      // Of the nodes that an event carries, only a submitter is not retargeted out of a closed root.
      if (isFileInput(node)) page?.dispatchEvent(new SubmitEvent('show', { submitter: node }));
      const inner = rootBelow(node);
      if (inner) show(inner);
    }
  };

  /**
   * Keeps `object` and `embed` empty: Chromium gives them a window long before their document, and no script hears of it. The policy
   * remains in force when the element that set it is gone.
   */
  const forbidObjects = () => {
    const root = document.documentElement;
    if (!(root instanceof HTMLHtmlElement) || 'openOrClosedShadowRoot' in root) return;
    const head = document.createElement('head');
    root.append(head);
    head.append(Object.assign(document.createElement('meta'), { httpEquiv: 'Content-Security-Policy', content: "object-src 'none'" }));
    head.remove();
  };

  forbidObjects();
  greet();
  listen();

  /** The origins around a frame that has none of its own. */
  const around = window.origin === 'null' ? Array.from(location.ancestorOrigins ?? []) : [];
  const randomId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

  /** @param {import('../shared/messages.js').ToPage} message */
  const tell = (message) => { page?.postMessage(message); };

  /** @param {import('../shared/messages.js').Held} held */
  const onHeld = ({ id, files, missing }) => {
    if (!files) {
      for (const [name, hold] of holds) {
        if (hold.id !== id) continue;
        holds.delete(name);
        background?.postMessage({ type: 'abandon', hold: name });
        status.hide();
      }
      return;
    }
    tell({ type: 'heard', id });
    const list = [];
    for (let index = 0; index < files.length; index += 1) list.push(/** @type {File} */ (files[index]));
    const name = randomId();
    const hold = { id, files: list, jobs: list.map(randomId), missing, port: null };
    holds.set(name, hold);
    void send(name, hold, false);
  };

  /** @type {(name: string, hold: Hold, again: boolean) => Promise<void>} */
  const send = async (name, hold, again) => {
    const port = connect();
    // A hold that began while the others waited to be sent again was sent already.
    if (!port || hold.port === port) return;
    hold.port = port;
    if (!await intact) {
      // This browser cannot carry a photo to the background intact, and the person is told why nothing is sent.
      if (port === background) refuseAll('outdated');
      return;
    }
    if (port !== background || !holds.has(name)) return;
    const parcels = hold.files.map((file) => ({ name: file.name, type: file.type, size: file.size, blob: file }));
    port.postMessage({ type: 'hold', hold: name, jobs: hold.jobs, parcels, again, missing: hold.missing, around });
  };

  const connect = () => {
    if (background) return background;
    try {
      background = chrome.runtime.connect({ name: 'uploads' });
    } catch {
      // The extension was updated or removed under this page: nothing can cloak these photos any more.
      refuseAll('orphaned');
      return null;
    }
    const port = background;
    /** @type {(value: boolean) => void} */
    let probed = () => {};
    intact = new Promise((resolve) => { probed = resolve; });
    port.onMessage.addListener((message) => {
      attempt = 0;
      if (message.type === 'probe') probed(message.intact && message.blob instanceof Blob && message.blob.size === 9);
      else void onSettled(message);
    });
    port.onDisconnect.addListener(() => {
      // Read so that the browser does not report it as unchecked.
      void chrome.runtime.lastError;
      background = null;
      clearInterval(timer);
      if (holds.size) resume();
    });
    timer = setInterval(() => { if (holds.size) port.postMessage({ type: 'alive' }); }, ALIVE_MS);
    port.postMessage({ type: 'probe', blob: new Blob(['cloakroom']) });
    return port;
  };

  /** Sends all holds again after the background ended, under the same job ids, so that finished jobs are only fetched. */
  const resume = () => {
    const wait = RECONNECT_MS[attempt];
    attempt += 1;
    if (wait === undefined) {
      refuseAll('lost');
      return;
    }
    setTimeout(() => {
      for (const [name, hold] of holds) void send(name, hold, true);
    }, wait);
  };

  /** @param {'lost' | 'orphaned' | 'outdated'} why */
  const refuseAll = (why) => {
    // An extension that is gone has no messages: page/reload_notice.js tells the person to reload.
    if (why === 'outdated') status.show('outdated', 0);
    else status.hide();
    for (const { id } of holds.values()) tell({ type: 'settled', id, files: null, isOrphaned: why === 'orphaned' });
    holds.clear();
    attempt = 0;
  };

  /** @param {import('../shared/messages.js').ToContent} message */
  const onSettled = async (message) => {
    if (message.type === 'probe') return;
    if (message.type === 'status') {
      if (holds.has(message.hold)) status.show(message.state, message.share);
      return;
    }
    const hold = holds.get(message.hold);
    if (!hold) return;
    /** @type {File[] | null} */
    let files = null;
    if (message.type === 'release' && message.parcels.length === hold.files.length) {
      files = await Promise.all(hold.files.map((file, index) => {
        const parcel = message.parcels[index];
        return parcel ? unpack(parcel, file) : file;
      })).catch(() => null);
    }
    // The page may have given it up meanwhile.
    if (holds.delete(message.hold)) tell({ type: 'settled', id: hold.id, files, isOrphaned: false });
  };

  // Copies the bytes into this process: Firefox does not finish a request with twenty files that lie in the background's.
  /** @type {(parcel: import('../shared/messages.js').Parcel, original: File) => Promise<File>} */
  const unpack = async (parcel, original) => (
    new File([await parcel.blob.arrayBuffer()], original.name, { type: original.type, lastModified: original.lastModified })
  );
})();
