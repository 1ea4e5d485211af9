// @ts-check
/** File inputs: attached, detached or in a shadow root. A page sees an empty list until every file in it is approved. */
(() => {
  const {
    method, getter, setter, replace, has, own, hold, abandon, isFileInput, isApproved, approveList, count, target, stop,
    dispatch, transfer, addEventListener,
  } = window.cloakroom;

  const get = method(WeakMap, 'get');
  const set = method(WeakMap, 'set');
  const remove = method(WeakMap, 'delete');
  const isHeld = method(WeakMap, 'has');
  const filesOf = getter(HTMLInputElement, 'files');
  const setFiles = setter(HTMLInputElement, 'files');
  const setValue = setter(HTMLInputElement, 'value');
  const filesOfTransfer = getter(DataTransfer, 'files');
  const isConnected = getter(Node, 'isConnected');
  const rootOf = method(Node, 'getRootNode');
  const findInDocument = method(Document, 'querySelectorAll');
  const findInFragment = method(DocumentFragment, 'querySelectorAll');
  const findInElement = method(Element, 'querySelectorAll');
  const nodeCount = getter(NodeList, 'length');
  const nodeAt = method(NodeList, 'item');
  const NativeEvent = Event;
  const applyTo = Reflect.apply;

  /** The hold of each input that waits. @type {WeakMap<HTMLInputElement, number>} */
  const held = new WeakMap();
  /** @type {((input: HTMLInputElement) => void)[]} */
  const whenSettled = [];

  /** @param {HTMLInputElement} input */
  const seize = (input) => {
    const list = filesOf(input);
    const earlier = get(held, input);
    if (earlier) abandon(earlier);
    const id = hold(list, (files) => release(input, id, files));
    set(held, input, id);
    guard(input);
    setValue(input, '');
  };

  /** @type {(input: HTMLInputElement, id: number, files: File[] | null) => void} */
  const release = (input, id, files) => {
    if (get(held, input) !== id) return;
    remove(held, input);
    if (files) assign(input, files);
    else dispatch(input, new NativeEvent('cancel', { bubbles: true }));
    for (let index = 0; index < whenSettled.length; index += 1) whenSettled[index]?.(input);
  };

  /** @type {(input: HTMLInputElement, files: File[]) => void} */
  const assign = (input, files) => {
    setFiles(input, filesOfTransfer(transfer(files)));
    approveList(filesOf(input));
    dispatch(input, new NativeEvent('input', { bubbles: true, composed: true }));
    dispatch(input, new NativeEvent('change', { bubbles: true }));
  };

  /** Seizes what is not approved. @type {(input: HTMLInputElement) => boolean} */
  const check = (input) => {
    if (!isApproved(filesOf(input))) seize(input);
    return isHeld(held, input);
  };

  /** @param {Event} event */
  const onPick = (event) => {
    if (has(own, event)) return;
    const input = target(event);
    if (!isFileInput(input)) return;
    const list = filesOf(input);
    // The person picked again, something that is already approved or nothing at all: the earlier hold is void.
    if (check(input) || count(list) === 0 && isHeld(held, input)) stop(event);
  };

  /** Hears an input's events where the window does not. @param {EventTarget} node */
  const guard = (node) => {
    addEventListener(node, 'input', onPick, true);
    addEventListener(node, 'change', onPick, true);
  };

  /** Guards the file inputs of a tree that is not in the document. @param {unknown} node */
  const guardDetached = (node) => {
    let root;
    try {
      if (isFileInput(node)) guard(/** @type {HTMLInputElement} */ (node));
      if (isConnected(node)) return;
      root = rootOf(node);
    } catch {
      return;
    }
    for (const find of [findInElement, findInFragment, findInDocument]) {
      try {
        const found = find(root, 'input');
        for (let index = 0; index < nodeCount(found); index += 1) guard(nodeAt(found, index));
        return;
      } catch {
        // The root is another kind of node.
      }
    }
  };

  replace(HTMLInputElement, 'files', ({ get: native, set: nativeSet }) => ({
    get() {
      const list = applyTo(native, this, []);
      if (!list || isApproved(list)) return list;
      seize(this);
      return applyTo(native, this, []);
    },
    set(/** @type {FileList} */ list) {
      applyTo(nativeSet, this, [list]);
      // The page holds these files already.
      const now = isFileInput(this) && filesOf(this);
      if (now) approveList(now);
    },
  }));
  replace(HTMLInputElement, 'value', ({ get: native }) => ({
    get() {
      if (isFileInput(this)) check(this);
      return applyTo(native, this, []);
    },
  }));

  /** @type {(native: Function) => Function} */
  const guardingThis = (native) => ({
    wrapped(/** @type {unknown[]} */ ...values) {
      guardDetached(this);
      return applyTo(native, this, values);
    },
  }).wrapped;
  replace(HTMLElement, 'click', guardingThis);
  replace(HTMLInputElement, 'showPicker', guardingThis);
  replace(EventTarget, 'dispatchEvent', guardingThis);
  replace(EventTarget, 'addEventListener', (native) => ({
    addEventListener(/** @type {unknown[]} */ ...values) {
      if ((values[0] === 'change' || values[0] === 'input') && isFileInput(this)) guard(this);
      return applyTo(native, this, values);
    },
  }).addEventListener);

  /** Closed shadow roots, so that a drop finds what lies below. @type {WeakMap<Element, ShadowRoot>} */
  const roots = new WeakMap();
  replace(Element, 'attachShadow', (native) => ({
    attachShadow(/** @type {unknown[]} */ ...values) {
      const root = applyTo(native, this, values);
      set(roots, this, root);
      guard(root);
      return root;
    },
  }).attachShadow);

  Object.assign(window.cloakroom, {
    inputs: {
      check,
      isClean: (/** @type {HTMLInputElement} */ input) => isApproved(filesOf(input)),
      assign,
      guard,
      isHeld: (/** @type {HTMLInputElement} */ input) => isHeld(held, input),
      whenSettled: (/** @type {(input: HTMLInputElement) => void} */ listener) => {
        whenSettled[whenSettled.length] = listener;
      },
      rootOf: (/** @type {Element} */ host) => get(roots, host),
    },
  });
})();
