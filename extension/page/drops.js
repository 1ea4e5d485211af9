// @ts-check
/** Files that are dropped: the event is stopped, and comes again with the cloaked files. */
(() => {
  if (!window.cloakroom) return;
  const {
    method, getter, hold, isFileInput, isApproved, approveList, count, path, target, stop, preventDefault, dispatch, transfer,
    addEventListener, define, push, realmOf, inputs, roots, items, composers,
  } = window.cloakroom;

  const dropped = getter(DragEvent, 'dataTransfer');
  const filesOf = getter(DataTransfer, 'files');
  const listOf = getter(DataTransfer, 'items');
  const effectAllowed = getter(DataTransfer, 'effectAllowed');
  const dropEffect = getter(DataTransfer, 'dropEffect');
  const getData = method(DataTransfer, 'getData');
  const setData = method(DataTransfer, 'setData');
  const itemCount = getter(DataTransferItemList, 'length');
  const addItem = method(DataTransferItemList, 'add');
  const kindOf = getter(DataTransferItem, 'kind');
  const typeOf = getter(DataTransferItem, 'type');
  const clientX = getter(MouseEvent, 'clientX');
  const clientY = getter(MouseEvent, 'clientY');
  const screenX = getter(MouseEvent, 'screenX');
  const screenY = getter(MouseEvent, 'screenY');
  const ctrlKey = getter(MouseEvent, 'ctrlKey');
  const shiftKey = getter(MouseEvent, 'shiftKey');
  const altKey = getter(MouseEvent, 'altKey');
  const metaKey = getter(MouseEvent, 'metaKey');
  const isConnected = getter(Node, 'isConnected');
  const atPoint = method(ShadowRoot, 'elementFromPoint');
  const later = window.setTimeout.bind(window);

  /** Whether something of this page is being dragged: the browser has told of its beginning, and the pointer is not free again. */
  let isOwnDrag = false;
  /** Whether something of this page was dropped just now. */
  let isOwnDrop = false;

  /** @type {Cloakroom['transfers']['itemsOf']} */
  const itemsOf = (data) => {
    const list = listOf(data);
    /** @type {TransferItem[]} */
    const all = [];
    for (let index = 0; index < itemCount(list); index += 1) {
      const item = list[index];
      const type = typeOf(item);
      push(all, { type, text: kindOf(item) === 'string' ? getData(data, type) : null });
    }
    return all;
  };

  /** @type {Cloakroom['transfers']['made']} */
  const made = (all, files, where) => {
    const data = transfer([], where);
    const list = listOf(data);
    let next = 0;
    for (let index = 0; index < all.length; index += 1) {
      const item = all[index];
      if (item && item.text !== null) setData(data, item.type, item.text);
      else if (next < files.length) addItem(list, files[next++]);
    }
    for (; next < files.length; next += 1) addItem(list, files[next]);
    return data;
  };

  /** What lies under the pointer inside closed shadow roots too. @type {(event: DragEvent) => EventTarget | null} */
  const innermost = (event) => {
    let node = target(event);
    for (let root = roots.of(node); root; root = roots.of(node)) {
      const inner = atPoint(root, clientX(event), clientY(event));
      if (!inner || inner === node) break;
      node = inner;
    }
    return node;
  };

  /**
   * Where an event goes that comes again: what it was for may be gone meanwhile, as are the overlays that pages show to who drags.
   * @type {Cloakroom['transfers']['present']}
   */
  const present = (node, outwards) => {
    if (isConnected(node)) return node;
    // Ends at the document, which always is.
    let index = 0;
    while (!isConnected(outwards[index])) index += 1;
    return outwards[index] ?? document;
  };

  /** As it was, read past the page: any getter of its own would be handed the event with the originals. @param {DragEvent} event */
  const circumstances = (event) => ({
    bubbles: true,
    cancelable: true,
    composed: true,
    clientX: clientX(event),
    clientY: clientY(event),
    screenX: screenX(event),
    screenY: screenY(event),
    ctrlKey: ctrlKey(event),
    shiftKey: shiftKey(event),
    altKey: altKey(event),
    metaKey: metaKey(event),
  });

  /** @param {DragEvent} event */
  const onDrop = (event) => {
    const data = event.isTrusted && dropped(event);
    const list = data && filesOf(data);
    if (!list || count(list) === 0 || isApproved(list)) return;
    const kinds = itemsOf(data);
    // A picture that is moved within the page is the page's own. Files from outside come without a text.
    if (isOwnDrag && hasText(kinds)) {
      isOwnDrag = false;
      isOwnDrop = true;
      later(() => { isOwnDrop = false; }, 0);
      approveList(list);
      return;
    }
    stop(event);
    preventDefault(event);
    const aim = innermost(event);
    const outwards = path(event);
    const base = circumstances(event);
    const allowed = effectAllowed(data);
    const effect = dropEffect(data);
    const all = items.take(data);
    const where = realmOf(aim);
    /** @type {File[]} */
    const held = [];
    for (let index = 0; index < all.length; index += 1) {
      const item = all[index];
      if (item && !items.isFolder(item)) push(held, item.file);
    }
    const done = composers.begin(aim);
    /** @param {File[] | null} cloaked */
    const again = (cloaked) => {
      try {
        tellAgain(cloaked);
      } finally {
        done(cloaked !== null);
      }
    };
    /** @param {File[] | null} cloaked */
    const tellAgain = (cloaked) => {
      const files = cloaked && inPlace(all, cloaked);
      const node = present(aim, outwards);
      if (files) {
        const drop = new where.DragEvent('drop', base);
        const given = made(kinds, files, where);
        // What a script makes says "none" of both, which some pages take for a drop that is refused.
        define(given, 'effectAllowed', allowed);
        define(given, 'dropEffect', effect);
        // Firefox ignores the constructor's dataTransfer.
        define(drop, 'dataTransfer', given);
        // The page left it to the browser, which would have put the files into the input.
        if (dispatch(node, drop) && isFileInput(node)) inputs.assign(node, files);
      } else {
        dispatch(node, new where.DragEvent('dragleave', base));
      }
    };
    // Of a directory every file is held when the page reads it.
    if (held.length) hold(filesOf(transfer(held)), again, where);
    else later(() => { again([]); }, 0);
  };

  /** @param {TransferItem[]} all */
  const hasText = (all) => {
    for (let index = 0; index < all.length; index += 1) if (all[index]?.text) return true;
    return false;
  };

  /** @param {Event} event */
  const onDragStart = (event) => {
    if (!event.isTrusted) return;
    isOwnDrag = true;
    // Its end is told to it alone where the page took it out of the document.
    addEventListener(target(event), 'dragend', onFree, true);
  };
  /** Browsers send no mouse events during a drag, so one of these means that the drag is over. @param {Event} event */
  const onFree = (event) => { if (event.isTrusted) isOwnDrag = false; };

  /** What the page is given: a cloaked file for each file, in its place. @type {(all: DroppedItem[], cloaked: File[]) => File[]} */
  const inPlace = (all, cloaked) => {
    /** @type {File[]} */
    const files = [];
    let next = 0;
    for (let index = 0; index < all.length; index += 1) {
      const item = /** @type {DroppedItem} */ (all[index]);
      if (items.isFolder(item)) {
        push(files, items.give(item, null));
      } else {
        push(files, items.give(item, /** @type {File} */ (cloaked[next])));
        next += 1;
      }
    }
    return files;
  };

  Object.assign(window.cloakroom, {
    transfers: {
      /** @param {Window} view */
      listen(view) {
        addEventListener(view, 'drop', onDrop, true);
        addEventListener(view, 'dragstart', onDragStart, true);
        addEventListener(view, 'dragend', onFree, true);
        addEventListener(view, 'mousemove', onFree, true);
        addEventListener(view, 'mousedown', onFree, true);
        addEventListener(view, 'pointermove', onFree, true);
        addEventListener(view, 'pointerdown', onFree, true);
        addEventListener(view, 'blur', onFree, true);
      },
      isOwnDrop: () => isOwnDrop,
      itemsOf,
      made,
      present,
    },
  });
})();
