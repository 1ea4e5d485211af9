// @ts-check
/** Files that are dropped: the event is stopped, and repeated with the cloaked files. */
(() => {
  if (!window.cloakroom) return;
  const {
    method, getter, hold, isFileInput, isApproved, approveList, count, path, target, stop, preventDefault, dispatch, transfer,
    addEventListener, define, push, realmOf, inputs, roots, droppedItems, composers,
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

  /** Whether something of this page is being dragged: the drag has begun, and the pointer is not free yet. */
  let isOwnDrag = false;
  /** Whether something of this page was dropped just now. */
  let isOwnDrop = false;

  /** @type {Cloakroom['drops']['itemsOf']} */
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

  /** @type {Cloakroom['drops']['withFiles']} */
  const withFiles = (all, files, where) => {
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

  /** The node under the pointer, also inside closed shadow roots. @type {(event: DragEvent) => EventTarget | null} */
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
   * The target of a repeated event: the first may be gone meanwhile, such as the overlays that pages show during a drag.
   * @type {Cloakroom['drops']['targetNow']}
   */
  const targetNow = (node, outwards) => {
    if (isConnected(node)) return node;
    // Ends at the document, which is always connected.
    let index = 0;
    while (!isConnected(outwards[index])) index += 1;
    return outwards[index] ?? document;
  };

  /** An event's traits, read by native getters: a page's getter would be given the event with the originals. @param {DragEvent} event */
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
    // A picture that is moved within the page is the page's own; files from outside come without text.
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
    const all = droppedItems.take(data);
    const where = realmOf(aim);
    /** @type {File[]} */
    const held = [];
    for (let index = 0; index < all.length; index += 1) {
      const item = all[index];
      if (item && !droppedItems.isFolder(item)) push(held, item.file);
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
      const node = targetNow(aim, outwards);
      if (files) {
        const drop = new where.DragEvent('drop', base);
        const given = withFiles(kinds, files, where);
        // A script's transfer says "none" for both, which some pages take for a refused drop.
        define(given, 'effectAllowed', allowed);
        define(given, 'dropEffect', effect);
        // Firefox ignores the constructor's dataTransfer.
        define(drop, 'dataTransfer', given);
        // The browser's default action.
        if (dispatch(node, drop) && isFileInput(node)) inputs.assign(node, files);
      } else {
        dispatch(node, new where.DragEvent('dragleave', base));
      }
    };
    // The files of a directory are held when the page reads them.
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
    // If the page removes the node from the document, only the node itself hears of the end.
    addEventListener(target(event), 'dragend', onFree, true);
  };
  /** Browsers send no mouse events during a drag, so one of these means that the drag is over. @param {Event} event */
  const onFree = (event) => { if (event.isTrusted) isOwnDrag = false; };

  /** The cloaked files, each in the place of its original, and placeholders for directories. @type {(all: DroppedItem[], cloaked: File[]) => File[]} */
  const inPlace = (all, cloaked) => {
    /** @type {File[]} */
    const files = [];
    let next = 0;
    for (let index = 0; index < all.length; index += 1) {
      const item = /** @type {DroppedItem} */ (all[index]);
      if (droppedItems.isFolder(item)) {
        push(files, droppedItems.give(item, null));
      } else {
        push(files, droppedItems.give(item, /** @type {File} */ (cloaked[next])));
        next += 1;
      }
    }
    return files;
  };

  Object.assign(window.cloakroom, {
    drops: {
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
      withFiles,
      targetNow,
    },
  });
})();
