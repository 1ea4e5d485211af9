// @ts-check
/** File inputs: attached, detached or in a shadow root. A page sees an empty list until every file is approved. */
(() => {
  if (!window.cloakroom) return;
  const {
    method, getter, setter, replace, hold, abandon, isFileInput, isApproved, approveList, target, stop, dispatch,
    transfer, addEventListener, define, push, count, realmOf,
  } = window.cloakroom;

  const get = method(WeakMap, 'get');
  const set = method(WeakMap, 'set');
  const remove = method(WeakMap, 'delete');
  const isHeld = method(WeakMap, 'has');
  const filesOf = getter(HTMLInputElement, 'files');
  const setFiles = setter(HTMLInputElement, 'files');
  const setValue = setter(HTMLInputElement, 'value');
  const fileAt = method(FileList, 'item');
  const pathOf = getter(File, 'webkitRelativePath');
  const filesOfTransfer = getter(DataTransfer, 'files');
  const isConnected = getter(Node, 'isConnected');
  const rootOf = method(Node, 'getRootNode');
  const findInDocument = method(Document, 'querySelectorAll');
  const findInFragment = method(DocumentFragment, 'querySelectorAll');
  const findInElement = method(Element, 'querySelectorAll');
  const nodeCount = getter(NodeList, 'length');
  const nodeAt = method(NodeList, 'item');
  const currentTarget = getter(Event, 'currentTarget');
  const later = window.setTimeout.bind(window);
  const NativeFocusEvent = FocusEvent;
  const { apply } = Reflect;

  /** The most milliseconds from the return of the focus to the choice. */
  const CHOICE_MS = 1000;

  /** The hold of each waiting input. @type {WeakMap<HTMLInputElement, number>} */
  const held = new WeakMap();
  /** @type {((input: HTMLInputElement, files: File[] | null) => void)[]} */
  const whenSettled = [];

  /** How many inputs are held. */
  let heldCount = 0;
  /** Whether a chooser may be open. */
  let isChoosing = false;
  /** A window whose focus came back while files were on their way. @type {Window | null} */
  let focused = null;

  /**
   * Delays a focus event until the files are there: pages take a focus without files for a cancelled chooser.
   * @param {Event} event
   */
  const onFocus = (event) => {
    const view = currentTarget(event);
    if (target(event) !== view || !isChoosing && heldCount === 0) return;
    stop(event);
    focused = view;
    later(() => { if (heldCount === 0) tellFocus(); }, CHOICE_MS);
  };

  const tellFocus = () => {
    const view = focused;
    focused = null;
    isChoosing = false;
    if (view) dispatch(view, new NativeFocusEvent('focus'));
  };

  /** Each file's path in the directory that was picked. @type {(list: FileList) => string[]} */
  const pathsOf = (list) => {
    /** @type {string[]} */
    const paths = [];
    for (let index = 0; index < count(list); index += 1) push(paths, pathOf(fileAt(list, index)));
    return paths;
  };

  /** Sets the paths, which no constructor takes. @type {(files: File[], paths: string[]) => void} */
  const keepPaths = (files, paths) => {
    for (let index = 0; index < files.length; index += 1) {
      if (paths[index]) define(/** @type {File} */ (files[index]), 'webkitRelativePath', paths[index]);
    }
  };

  /** @param {HTMLInputElement} input */
  const seize = (input) => {
    const list = filesOf(input);
    const earlier = get(held, input);
    if (earlier) abandon(earlier);
    isChoosing = false;
    const paths = pathsOf(list);
    const id = hold(list, (files) => {
      if (files) keepPaths(files, paths);
      release(input, id, files);
    }, realmOf(input));
    if (!earlier) heldCount += 1;
    set(held, input, id);
    guard(input);
    setValue(input, '');
  };

  /** @type {(input: HTMLInputElement, id: number, files: File[] | null) => void} */
  const release = (input, id, files) => {
    if (get(held, input) !== id) return;
    remove(held, input);
    heldCount -= 1;
    tellFocus();
    if (files) assign(input, files);
    else dispatch(input, new (realmOf(input).Event)('cancel', { bubbles: true }));
    for (let index = 0; index < whenSettled.length; index += 1) whenSettled[index]?.(input, files);
  };

  /** @type {(input: HTMLInputElement, files: File[]) => void} */
  const assign = (input, files) => {
    const where = realmOf(input);
    setFiles(input, filesOfTransfer(transfer(files, where)));
    approveList(filesOf(input));
    dispatch(input, new where.Event('input', { bubbles: true, composed: true }));
    dispatch(input, new where.Event('change', { bubbles: true }));
  };

  /** Seizes an input whose files are not approved. @type {(input: HTMLInputElement) => boolean} */
  const check = (input) => {
    if (!isApproved(filesOf(input))) seize(input);
    return isHeld(held, input);
  };

  /**
   * Only for events of the browser, as a page's bring no file: the scripts of two windows around an input would otherwise seize by
   * turns what the other releases, without end.
   * @param {Event} event
   */
  const onPick = (event) => {
    if (!event.isTrusted) return;
    const input = target(event);
    if (!isFileInput(input)) return;
    if (check(input)) stop(event);
  };

  /** The person chose nothing. @param {Event} event */
  const onCancel = (event) => { if (event.isTrusted) tellFocus(); };

  /** Listens on a node whose events the window may not hear. @param {EventTarget} node */
  const guard = (node) => {
    addEventListener(node, 'input', onPick, true);
    addEventListener(node, 'change', onPick, true);
    addEventListener(node, 'cancel', onCancel, true);
  };

  /** Guards an input whose chooser opens: the page may have removed it when the person has picked. @param {Event} event */
  const onClick = (event) => {
    const input = target(event);
    if (!isFileInput(input)) return;
    isChoosing = true;
    guard(input);
  };

  /** Guards the file inputs of a tree that is not in the document. @param {unknown} node */
  const guardDetached = (node) => {
    let root;
    try {
      if (isFileInput(node)) {
        isChoosing = true;
        guard(/** @type {HTMLInputElement} */ (node));
      }
      if (isConnected(node)) return;
      root = rootOf(node);
    } catch {
      return;
    }
    guardAll(findInElement, root);
    guardAll(findInFragment, root);
    guardAll(findInDocument, root);
  };

  /** @type {(find: (root: unknown, selector: string) => NodeList, root: unknown) => void} */
  const guardAll = (find, root) => {
    try {
      const found = find(root, 'input');
      for (let index = 0; index < nodeCount(found); index += 1) guard(nodeAt(found, index));
    } catch {
      // The root is another kind of node.
    }
  };

  replace(HTMLInputElement, 'files', ({ get: native, set: nativeSet }) => ({
    get() {
      const list = apply(native, this, []);
      if (!list || isApproved(list)) return list;
      seize(this);
      return apply(native, this, []);
    },
    set(/** @type {FileList} */ list) {
      apply(nativeSet, this, [list]);
      // The page has these files already.
      const now = isFileInput(this) && filesOf(this);
      if (now) approveList(now);
    },
  }));
  replace(HTMLInputElement, 'value', ({ get: native }) => ({
    get() {
      if (isFileInput(this)) check(this);
      return apply(native, this, []);
    },
  }));

  /** @type {(native: Function) => Function} */
  const guardingThis = (native) => ({
    wrapped(/** @type {unknown[]} */ ...values) {
      guardDetached(this);
      return apply(native, this, values);
    },
  }).wrapped;
  replace(HTMLElement, 'click', guardingThis);
  replace(HTMLInputElement, 'showPicker', guardingThis);
  replace(EventTarget, 'dispatchEvent', guardingThis);
  replace(EventTarget, 'addEventListener', (native) => ({
    addEventListener(/** @type {unknown[]} */ ...values) {
      if ((values[0] === 'change' || values[0] === 'input') && isFileInput(this)) guard(this);
      return apply(native, this, values);
    },
  }).addEventListener);

  Object.assign(window.cloakroom, {
    inputs: {
      check,
      isClean: (/** @type {HTMLInputElement} */ input) => isApproved(filesOf(input)),
      assign,
      guard,
      /** Listens to every file input below a node. @param {EventTarget} node */
      listen(node) {
        guard(node);
        addEventListener(node, 'click', onClick, true);
        addEventListener(node, 'focus', onFocus, true);
      },
      isHeld: (/** @type {HTMLInputElement} */ input) => isHeld(held, input),
      whenSettled: (/** @type {(input: HTMLInputElement, files: File[] | null) => void} */ listener) => {
        whenSettled[whenSettled.length] = listener;
      },
    },
  });
})();
