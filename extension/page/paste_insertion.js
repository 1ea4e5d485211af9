// @ts-check
/**
 * The browser's default action of a paste: `beforeinput`, then the HTML without anything that runs, or else the picture, at the
 * caret where it was pasted, then `input`.
 */
(() => {
  if (!window.cloakroom) return;
  const { method, getter, setter, tryRead, dispatch, addEventListener, realmOf } = window.cloakroom;

  /** Elements that `setHTML` allows and that browsers leave out of a paste. */
  const UNWANTED = ['style', 'link', 'meta', 'base', 'title', 'template', 'noscript', 'slot'];
  const isContentEditable = getter(HTMLElement, 'isContentEditable');
  const documentOf = getter(Node, 'ownerDocument');
  const selectionOf = method(Document, 'getSelection');
  const rangeCount = getter(Selection, 'rangeCount');
  const rangeAt = method(Selection, 'getRangeAt');
  const clear = method(Selection, 'removeAllRanges');
  const select = method(Selection, 'addRange');
  const collapse = method(Selection, 'collapse');
  const copyOf = method(Range, 'cloneRange');
  const clearRange = method(Range, 'deleteContents');
  const putInto = method(Range, 'insertNode');
  const collapseRange = method(Range, 'collapse');
  const startNode = getter(Range, 'startContainer');
  const startOffset = getter(Range, 'startOffset');
  const endNode = getter(Range, 'endContainer');
  const endOffset = getter(Range, 'endOffset');
  const contains = method(Node, 'contains');
  const parentOf = getter(Node, 'parentElement');
  const firstChild = getter(Node, 'firstChild');
  const append = method(Node, 'appendChild');
  const create = method(Document, 'createElement');
  const createFragment = method(Document, 'createDocumentFragment');
  const createInert = method(DOMImplementation, 'createHTMLDocument');
  const { implementation } = document;
  const setHtml = method(Element, 'setHTML');
  const command = method(Document, 'execCommand');
  const readAsAddress = method(FileReader, 'readAsDataURL');
  const resultOf = getter(FileReader, 'result');
  const NativeReader = FileReader;
  const setSource = setter(HTMLImageElement, 'src');

  /** @param {unknown} node */
  const isEditable = (node) => tryRead(isContentEditable, node) === true;

  /** The whole editor that a node lies in. @param {any} node */
  const editorOf = (node) => {
    let editor = node;
    for (let outer = parentOf(editor); outer && isEditable(outer); outer = parentOf(outer)) editor = outer;
    return editor;
  };

  /** The sanitised nodes of a clipboard's HTML; none where this browser cannot sanitise. @type {(html: string, around: Document) => DocumentFragment} */
  const cleaned = (html, around) => {
    const fragment = createFragment(around);
    try {
      // In a document that shows nothing and runs nothing.
      const holder = create(createInert(implementation, ''), 'div');
      setHtml(holder, html, { __proto__: null, sanitizer: { __proto__: null, removeElements: UNWANTED } });
      for (let node = firstChild(holder); node; node = firstChild(holder)) append(fragment, node);
    } catch {
      // Without setHTML nothing is inserted: it might run.
    }
    return fragment;
  };

  /** Inserts a picture; where the caret is still in the editor, as an edit that can be undone. @type {(node: any, place: Range, address: string, around: Document) => void} */
  const insertPicture = (node, place, address, around) => {
    const selection = selectionOf(around);
    const own = selection && rangeCount(selection) ? copyOf(rangeAt(selection, 0)) : null;
    if (own && contains(editorOf(node), startNode(own))) {
      const isWhere = startNode(own) === startNode(place) && startOffset(own) === startOffset(place);
      clear(selection);
      select(selection, place);
      command(around, 'insertImage', false, address);
      if (isWhere) return;
      clear(selection);
      select(selection, own);
      return;
    }
    const image = create(around, 'img');
    setSource(image, address);
    clearRange(place);
    putInto(place, image);
  };

  /** @type {(place: Range, html: string, around: Document) => void} */
  const insertHtml = (place, html, around) => {
    const selection = selectionOf(around);
    const caret = selection && rangeCount(selection) ? rangeAt(selection, 0) : null;
    const isWhere = caret && startNode(caret) === startNode(place) && startOffset(caret) === startOffset(place);
    clearRange(place);
    putInto(place, cleaned(html, around));
    collapseRange(place, false);
    if (isWhere) collapse(selection, endNode(place), endOffset(place));
  };

  Object.assign(window.cloakroom, {
    insertion: {
      isEditable,
      editorOf: (/** @type {any} */ node) => (isEditable(node) ? editorOf(node) : node),
      /** @type {Cloakroom['insertion']['caret']} */
      caret(node) {
        const selection = isEditable(node) && selectionOf(documentOf(node));
        if (!selection || rangeCount(selection) === 0) return null;
        const range = copyOf(rangeAt(selection, 0));
        return contains(editorOf(node), startNode(range)) ? range : null;
      },
      /** @type {Cloakroom['insertion']['addressOf']} */
      addressOf(file, done) {
        const reader = new NativeReader();
        addEventListener(reader, 'loadend', () => { done(resultOf(reader)); }, false);
        readAsAddress(reader, file);
      },
      /** @type {Cloakroom['insertion']['insert']} */
      insert(node, place, data, { html, text, address }) {
        const around = documentOf(node);
        if (!html && !address || !isEditable(node) || !place) {
          if (text) command(around, 'insertText', false, text);
          return;
        }
        const where = realmOf(node);
        const traits = { __proto__: null, inputType: 'insertFromPaste', dataTransfer: data, bubbles: true, composed: true };
        const target = new where.StaticRange({
          startContainer: startNode(place), startOffset: startOffset(place), endContainer: endNode(place), endOffset: endOffset(place),
        });
        if (!dispatch(node, new where.InputEvent('beforeinput', /** @type {any} */ ({ __proto__: null, inputType: traits.inputType, dataTransfer: data, bubbles: true, composed: true, cancelable: true, targetRanges: [target] })))) return;
        if (html) insertHtml(place, html, around);
        else insertPicture(node, place, /** @type {string} */ (address), around);
        // After its own edit the browser dispatches `input` itself.
        if (html) dispatch(node, new where.InputEvent('input', traits));
      },
    },
  });
})();
