// @ts-check
/** Files that are dropped or pasted: the event is stopped, and comes again with the cloaked files. */
(() => {
  if (!window.cloakroom) return;
  const {
    method, getter, hold, isFileInput, isApproved, count, path, target, stop, preventDefault, dispatch, transfer,
    addEventListener, define, push, realmOf, inputs, roots, items,
  } = window.cloakroom;

  const dropped = getter(DragEvent, 'dataTransfer');
  const pasted = getter(ClipboardEvent, 'clipboardData');
  const filesOf = getter(DataTransfer, 'files');
  const typesOf = getter(DataTransfer, 'types');
  const getData = method(DataTransfer, 'getData');
  const setData = method(DataTransfer, 'setData');
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
  const insert = method(Document, 'execCommand');
  const isEditable = getter(HTMLElement, 'isContentEditable');
  const later = window.setTimeout.bind(window);
  const documentOf = getter(Node, 'ownerDocument');

  /** Everything but the files. @type {(data: DataTransfer) => { type: string, text: string }[]} */
  const textsOf = (data) => {
    /** @type {{ type: string, text: string }[]} */
    const texts = [];
    const types = typesOf(data);
    for (let index = 0; index < types.length; index += 1) {
      const type = types[index];
      if (type !== 'Files') push(texts, { type, text: getData(data, type) });
    }
    return texts;
  };

  /** @type {(files: File[], texts: { type: string, text: string }[], where: Realm) => DataTransfer} */
  const withTexts = (files, texts, where) => {
    const data = transfer(files, where);
    for (let index = 0; index < texts.length; index += 1) {
      const entry = texts[index];
      if (entry) setData(data, entry.type, entry.text);
    }
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
   * @type {(node: EventTarget | null, outwards: EventTarget[]) => EventTarget | null}
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
    stop(event);
    preventDefault(event);
    const aim = innermost(event);
    const outwards = path(event);
    const texts = textsOf(data);
    const base = circumstances(event);
    const all = items.take(data);
    const where = realmOf(aim);
    /** @type {File[]} */
    const held = [];
    for (let index = 0; index < all.length; index += 1) {
      const item = all[index];
      if (item && !items.isFolder(item)) push(held, item.file);
    }
    /** @param {File[] | null} cloaked */
    const again = (cloaked) => {
      const files = cloaked && inPlace(all, cloaked);
      const node = present(aim, outwards);
      if (!files) {
        dispatch(node, new where.DragEvent('dragleave', base));
        return;
      }
      const drop = new where.DragEvent('drop', base);
      // Firefox ignores the constructor's dataTransfer.
      define(drop, 'dataTransfer', withTexts(files, texts, where));
      // The page left it to the browser, which would have put the files into the input.
      if (dispatch(node, drop) && isFileInput(node)) inputs.assign(node, files);
    };
    // Of a directory every file is held when the page reads it.
    if (held.length) hold(filesOf(transfer(held)), again, where);
    else later(() => { again([]); }, 0);
  };

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

  /** @param {ClipboardEvent} event */
  const onPaste = (event) => {
    const data = event.isTrusted && pasted(event);
    const list = data && filesOf(data);
    if (!list || count(list) === 0 || isApproved(list)) return;
    stop(event);
    preventDefault(event);
    const aim = target(event);
    const outwards = path(event);
    const texts = textsOf(data);
    const where = realmOf(aim);
    hold(list, (files) => {
      if (!files) return;
      const node = present(aim, outwards);
      const again = new where.ClipboardEvent('paste', { bubbles: true, cancelable: true, composed: true });
      define(again, 'clipboardData', withTexts(files, texts, where));
      if (dispatch(node, again)) insertText(node, texts);
    }, where);
  };

  /** What the browser would have done with a paste's text. @type {(node: EventTarget | null, texts: { type: string, text: string }[]) => void} */
  const insertText = (node, texts) => {
    let rich = false;
    try {
      rich = isEditable(node);
    } catch {
      return;
    }
    /** @type {{ [type: string]: string }} */
    const byType = Object.create(null);
    for (let index = 0; index < texts.length; index += 1) {
      const entry = texts[index];
      if (entry) byType[entry.type] = entry.text;
    }
    const around = documentOf(node) ?? document;
    if (rich && byType['text/html']) insert(around, 'insertHTML', false, byType['text/html']);
    else if (byType['text/plain']) insert(around, 'insertText', false, byType['text/plain']);
  };

  Object.assign(window.cloakroom, {
    transfers: {
      /** @param {Window} view */
      listen(view) {
        addEventListener(view, 'drop', onDrop, true);
        addEventListener(view, 'paste', onPaste, true);
      },
    },
  });
})();
