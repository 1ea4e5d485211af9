// @ts-check
/**
 * Windows of frames. The page has a frame's window before the frame's document is there, and the same window stays when that
 * comes: by then nothing in it can be trusted, and no script of ours is in it at all if no document ever comes. So it is
 * ruled from the window around it, from its first moment on: these scripts' functions take the place of its built-ins, and
 * its events are heard here. It bears a mark, by which the scripts that the browser puts into it later stand back.
 */
(() => {
  if (!window.cloakroom) return;
  const { cloakroom } = window;
  const {
    method, getter, replace, replaced, asked, realm, realms, viewOf, addEventListener, stop, preventDefault, tellContent, hear, target, inputs, composers, forms, links, handles, transfers, pastes,
  } = cloakroom;

  const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;
  const isRuled = method(WeakMap, 'has');
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
  // These inherit from nothing, as the page may put anything on what they would inherit from.
  const everywhere = { __proto__: null, childList: true, subtree: true };
  const urgent = { __proto__: null, priority: 'user-blocking' };
  const mark = /** @type {PropertyDescriptor} */ ({ __proto__: null, value: undefined });

  /** The ports of content scripts in windows that are ruled. @type {WeakMap<Window, MessagePort>} */
  const ports = new WeakMap();

  /** Whether no script of ours has been there. @param {Window} view */
  const isBare = (view) => {
    try {
      // Throws where the window is of another origin.
      const inputPrototype = view.document && /** @type {typeof window} */ (view).HTMLInputElement.prototype;
      return includes(sourceOf(getOwnPropertyDescriptor(inputPrototype, 'files')?.get), '[native code]');
    } catch {
      return false;
    }
  };

  /** @param {Window} view */
  const rule = (view) => {
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
  const ruleFrames = (view) => {
    for (let index = 0; index < frameCount(view); index += 1) {
      const frame = view[index];
      if (frame && isBare(frame)) rule(frame);
    }
  };

  /** Frames may have come into a window: its own rulers see to them, as only those live as long as they do. @param {Window | null} view */
  const notice = (view) => {
    if (!view || frameCount(view) === 0) return;
    if (view === window || isRuled(realms, view)) ruleFrames(view);
    else dispatchEvent(view, new NativeEvent('cloakroom-frames'));
  };

  /** @param {Event} event */
  const onFrames = (event) => {
    stop(event);
    ruleFrames(currentTarget(event));
  };

  /** A frame's document is leaving: what comes in its place may be bare until its first byte is there. @param {Event} event */
  const onLeave = (event) => {
    const view = currentTarget(event);
    const around = parentOf(view);
    try {
      if (around !== view && around.document) dispatchEvent(around, new NativeEvent('cloakroom-leave'));
    } catch {
      // Of another origin: it has no use of this window either.
    }
  };

  /** @param {Event} event */
  const onFrameLeaves = (event) => {
    const view = currentTarget(event);
    stop(event);
    postTask(scheduler, () => { notice(view); }, urgent);
  };

  /** What the parser puts there is seen before the page's next script runs. @param {Window} view */
  const watch = (view) => {
    const look = () => { ruleFrames(view); };
    observe(new NativeMutationObserver(look), view.document, everywhere);
    addEventListener(view.document, 'load', (/** @type {Event} */ event) => {
      look();
      if (cloakroom.placing.isQuiet(target(event))) stop(event);
    }, true);
  };

  /** The document has come, and with it the content script. @param {MessageEvent} event */
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

  /** The content script sees below closed roots. Where the page listened first it would not hear of this. @param {Event} event */
  const onTouch = (event) => {
    const view = currentTarget(event);
    const port = get(ports, view);
    const node = target(event);
    if (port && event.isTrusted) tellContent(new NativeSubmitEvent('look', { submitter: asked(localName, node) === null ? null : node }), port);
  };

  /** @param {Window} view */
  const listen = (view) => {
    for (const name of ['click', 'input', 'drop']) addEventListener(view, name, onTouch, true);
    // Those that keep back what the browser itself would hand over are first.
    transfers.listen(view);
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

  // Frames in shadow trees are on no window's list: these are the page's only way to them.
  const windowOf = getter(HTMLIFrameElement, 'contentWindow');
  /** @type {(find: (self: any) => Window | null) => (native: any) => any} */
  const ruling = (find) => (native) => {
    const read = native.get ?? native;
    const wrapped = { read(/** @type {unknown[]} */ ...values) {
      const found = apply(read, this, values);
      const frame = found && find(this);
      if (!frame || !isBare(frame)) return found;
      const around = viewOf(/** @type {Node} */ (/** @type {unknown} */ (this)));
      notice(around);
      if (around && (around === window || isRuled(realms, around))) rule(frame);
      return isBare(frame) ? null : found;
    } }.read;
    return native.get ? { get: wrapped } : wrapped;
  };
  replace(HTMLIFrameElement, 'contentWindow', ruling(windowOf));
  replace(HTMLIFrameElement, 'contentDocument', ruling(windowOf));
  replace(HTMLIFrameElement, 'getSVGDocument', ruling(windowOf));
  for (const owner of [window.HTMLFrameElement, HTMLObjectElement]) {
    const inner = getter(owner, 'contentWindow');
    for (const name of ['contentWindow', 'contentDocument', 'getSVGDocument']) replace(owner, name, ruling(inner));
  }

  // These erase every listener of the window, the content script's too, which has to be the first again.
  /** @type {(change: (self: Document, values: unknown[], view: Window | null) => unknown) => () => unknown} */
  const rewriting = (change) => ({
    /** @this {Document} */
    wrapped(/** @type {unknown[]} */ ...values) {
      const view = viewOf(this);
      // Nobody could tell those who listen there.
      if (view && view !== window && !isRuled(realms, view)) throw new NativeError('Another window rules this document.', 'SecurityError');
      const result = change(this, values, view);
      if (view) attend(view);
      return result;
    },
  }).wrapped;

  /** @param {Window} view */
  const attend = (view) => {
    tellContent(new NativeEvent('listen'), get(ports, view));
    listen(view);
    notice(view);
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
      // A script in there could have the window of a frame in there: what is written goes one tag after the other.
      for (let from = 0; from < text.length;) {
        const to = indexOf(text, '>', from) + 1 || text.length;
        const piece = slice(text, from, to);
        // No script of the page's own may make a part of what it trusts: the content script, for which that does not count, writes it.
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
      notice,
      listen() {
        listen(window);
        watch(window);
      },
    },
  });
})();
