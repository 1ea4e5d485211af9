// @ts-check
/**
 * Windows of frames. The page has a frame's window before the frame's document comes, and the same window stays. By then nothing in
 * it can be trusted, and without a document our scripts never run in it. So it is controlled from the window around it from the
 * start: its built-ins are replaced by this window's functions, and its events are heard here. By a mark on it, our scripts that
 * the browser runs in it later do nothing.
 */
(() => {
  if (!window.cloakroom) return;
  const { cloakroom } = window;
  const {
    method, getter, replace, replaced, tryRead, realm, realms, viewOf, addEventListener, stop, preventDefault, tellContent, hear, target, inputs, composers, forms, links, handles, drops, pastes,
  } = cloakroom;

  const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;
  const isControlled = method(WeakMap, 'has');
  const get = method(WeakMap, 'get');
  const set = method(WeakMap, 'set');
  const dispatchEvent = method(EventTarget, 'dispatchEvent');
  const currentTarget = getter(Event, 'currentTarget');
  const sourceOf = method(Function, 'toString');
  const includes = method(String, 'includes');
  const indexOf = method(String, 'indexOf');
  const slice = method(String, 'slice');
  const { write } = Document.prototype;
  const portsOf = getter(MessageEvent, 'ports');
  const frameCount = getter({ prototype: window }, 'length');
  const parentOf = getter({ prototype: window }, 'parent');
  const observe = method(MutationObserver, 'observe');
  const postTask = method(window.Scheduler, 'postTask');
  const { scheduler } = window;
  const NativeMutationObserver = MutationObserver;
  const NativeEvent = Event;
  const NativeError = DOMException;
  const NativeSubmitEvent = SubmitEvent;
  const localName = getter(HTMLElement, 'localName');
  const NativeMessageEvent = MessageEvent;
  const { trustedTypes } = window;
  const textOf = method(window.TrustedHTML, 'toString');
  const isHtml = trustedTypes && method(window.TrustedTypePolicyFactory, 'isHTML');
  // Without a prototype, on which the page could put anything.
  const everywhere = { __proto__: null, childList: true, subtree: true };
  const urgent = { __proto__: null, priority: 'user-blocking' };
  const mark = /** @type {PropertyDescriptor} */ ({ __proto__: null, value: undefined });

  /** The ports of content scripts in controlled windows. @type {WeakMap<Window, MessagePort>} */
  const ports = new WeakMap();

  /** Whether none of our scripts controls a window. @param {Window} view */
  const isBare = (view) => tryRead((there) => (
    // Throws in another origin.
    there.document && includes(sourceOf(getOwnPropertyDescriptor(there.HTMLInputElement.prototype, 'files')?.get), '[native code]')
  ), view) === true;

  /** @param {Window} view */
  const control = (view) => {
    const there = /** @type {any} */ (view);
    defineProperty(view, 'cloakroom', mark);
    set(realms, view, realm(there));
    for (let index = 0; index < replaced.length; index += 1) {
      const entry = replaced[index];
      const owner = entry?.owner ? there[entry.owner]?.prototype : view;
      if (owner && entry) defineProperty(owner, entry.name, entry.descriptor);
    }
    listen(view);
    addEventListener(view, 'cloakroom-arrival', onArrival, true);
    watch(view);
  };

  /** @param {Window} view */
  const controlFrames = (view) => {
    for (let index = 0; index < frameCount(view); index += 1) {
      const frame = view[index];
      if (frame && isBare(frame)) control(frame);
    }
  };

  /** Controls the frames that may have come into a window, from the window that controls it: only that lives as long. @param {Window | null} view */
  const checkFrames = (view) => {
    if (!view || frameCount(view) === 0) return;
    if (view === window || isControlled(realms, view)) controlFrames(view);
    else dispatchEvent(view, new NativeEvent('cloakroom-frames'));
  };

  /** @param {Event} event */
  const onFrames = (event) => {
    stop(event);
    controlFrames(currentTarget(event));
  };

  /** Announces that a frame's document is leaving: the next window may be bare until the first byte of its document. @param {Event} event */
  const onLeave = (event) => {
    const view = currentTarget(event);
    const around = parentOf(view);
    try {
      if (around !== view && around.document) dispatchEvent(around, new NativeEvent('cloakroom-leave'));
    } catch {
      // Another origin, which cannot use this window either.
    }
  };

  /** @param {Event} event */
  const onFrameLeaves = (event) => {
    const view = currentTarget(event);
    stop(event);
    postTask(scheduler, () => { checkFrames(view); }, urgent);
  };

  /** Looks for frames that the parser inserts, before the page's next script runs. @param {Window} view */
  const watch = (view) => {
    const look = () => { controlFrames(view); };
    observe(new NativeMutationObserver(look), view.document, everywhere);
    addEventListener(view.document, 'load', (/** @type {Event} */ event) => {
      look();
      if (cloakroom.insertedFrames.isQuiet(target(event))) stop(event);
    }, true);
  };

  /** Takes the port of the content script, which comes with the document. @param {MessageEvent} event */
  const onArrival = (event) => {
    const view = currentTarget(event);
    const port = portsOf(event)[0];
    if (!port) return;
    stop(event);
    preventDefault(event);
    set(ports, view, port);
    hear(port);
    watch(view);
  };

  /** Has the content script look below closed roots, even where a page's listener came first. @param {Event} event */
  const onTouch = (event) => {
    const view = currentTarget(event);
    const port = get(ports, view);
    const node = target(event);
    if (port && event.isTrusted) tellContent(new NativeSubmitEvent('look', { submitter: tryRead(localName, node) === null ? null : node }), port);
  };

  /** @param {Window} view */
  const listen = (view) => {
    // One by one: a page may have broken what arrays are iterated with.
    addEventListener(view, 'click', onTouch, true);
    addEventListener(view, 'input', onTouch, true);
    addEventListener(view, 'drop', onTouch, true);
    // First the listeners that stop what the browser gives to the page.
    drops.listen(view);
    pastes.listen(view);
    inputs.listen(view);
    composers.listen(view);
    forms.listen(view);
    links.listen(view);
    handles.listen(view);
    addEventListener(view, 'cloakroom-frames', onFrames, true);
    addEventListener(view, 'cloakroom-leave', onFrameLeaves, true);
    addEventListener(view, 'pagehide', onLeave, true);
  };

  // The page's only way to the windows of frames in shadow trees, which are on no window's list.
  const windowOf = getter(HTMLIFrameElement, 'contentWindow');
  /** @type {(find: (self: any) => Window | null) => (native: any) => any} */
  const controlling = (find) => (native) => {
    const read = native.get ?? native;
    const wrapped = { read(/** @type {unknown[]} */ ...values) {
      const found = apply(read, this, values);
      const frame = found && find(this);
      if (!frame || !isBare(frame)) return found;
      const around = viewOf(/** @type {Node} */ (/** @type {unknown} */ (this)));
      checkFrames(around);
      if (around && (around === window || isControlled(realms, around))) control(frame);
      return isBare(frame) ? null : found;
    } }.read;
    return native.get ? { get: wrapped } : wrapped;
  };
  replace(HTMLIFrameElement, 'contentWindow', controlling(windowOf));
  replace(HTMLIFrameElement, 'contentDocument', controlling(windowOf));
  replace(HTMLIFrameElement, 'getSVGDocument', controlling(windowOf));
  for (const owner of [window.HTMLFrameElement, HTMLObjectElement]) {
    const inner = getter(owner, 'contentWindow');
    for (const name of ['contentWindow', 'contentDocument', 'getSVGDocument']) replace(owner, name, controlling(inner));
  }

  // These remove every listener of the window. The content script's has to be added first again.
  /** @type {(change: (self: Document, values: unknown[], view: Window | null) => unknown) => () => unknown} */
  const rewriting = (change) => ({
    /** @this {Document} */
    wrapped(/** @type {unknown[]} */ ...values) {
      const view = viewOf(this);
      // Its listeners could not be added again.
      if (view && view !== window && !isControlled(realms, view)) throw new NativeError('Another window rules this document.', 'SecurityError');
      const result = change(this, values, view);
      if (view) attend(view);
      return result;
    },
  }).wrapped;

  /** @param {Window} view */
  const attend = (view) => {
    tellContent(new NativeEvent('listen'), get(ports, view));
    listen(view);
    checkFrames(view);
  };

  /** The content script's port in a window. @param {Window} view */
  const portIn = (view) => {
    const port = get(ports, view);
    if (!port && view !== window) throw new NativeError('Nothing can be written here yet.', 'InvalidStateError');
    return port;
  };

  /** @param {unknown[]} values */
  const areTrusted = (values) => {
    for (let index = 0; index < values.length; index += 1) if (!isHtml || !isHtml(trustedTypes, values[index])) return false;
    return values.length > 0;
  };

  /** Whether the page may write what is not of a trusted type. @param {Document} self */
  const takesText = (self) => {
    try {
      apply(write, self, ['']);
      return true;
    } catch {
      return false;
    }
  };

  replace(Document, 'open', (native) => rewriting((self, values) => apply(native, self, values)));
  for (const [name, end] of /** @type {const} */ ([['write', ''], ['writeln', '\n']])) {
    replace(Document, name, (native) => rewriting((self, values, view) => {
      const isTrusted = areTrusted(values) && !takesText(self);
      if (typeof values[0] === 'object' && !isTrusted && !takesText(self)) return apply(native, self, values);
      let text = '';
      for (let index = 0; index < values.length; index += 1) text += isTrusted ? textOf(values[index]) : `${values[index]}`;
      text += end;
      // Written tag by tag, as a script in the text could use the window of a frame in it.
      for (let from = 0; from < text.length;) {
        const to = indexOf(text, '>', from) + 1 || text.length;
        const piece = slice(text, from, to);
        // Scripts of the page's world may not split trusted text: the content script, which is exempt, writes it.
        if (isTrusted && view) tellContent(new NativeMessageEvent('write', { data: piece }), portIn(view));
        else apply(write, self, [piece]);
        if (view) attend(view);
        from = to;
      }
      return undefined;
    }));
  }

  Object.assign(window.cloakroom, {
    windows: {
      isBare,
      checkFrames,
      listen() {
        listen(window);
        watch(window);
      },
    },
  });
})();
