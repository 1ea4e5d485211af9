// @ts-check
/**
 * Frames that a script inserts into a document. The page has the window of one with an address at once, and our scripts run in it
 * only when its document comes, if ever; in a blank one they run before anything of the page can. A frame that is inserted alone
 * is controlled as soon as it is there. Scripts and custom elements inserted with it might run before that, so among other nodes
 * each frame begins blank, and then goes to its address.
 */
(() => {
  if (!window.cloakroom) return;
  const { method, getter, setter, replace, tryRead, viewOf, push, define } = window.cloakroom;
  const { apply } = Reflect;

  /** Frames that have a window while their document is on its way. */
  const FRAMES = 'iframe[src]:not([src=""],[src="about:blank"]),iframe[srcdoc],frame[src]:not([src=""],[src="about:blank"])';
  const FRAME_TAG = /<(?:iframe|frame)[\s/>]/i;
  // `test` would ask the page's own `exec`.
  const found = method(RegExp, 'exec');
  const typeOf = getter(Node, 'nodeType');
  const rootOf = method(Node, 'getRootNode');
  const firstChild = getter(Node, 'firstChild');
  const parentOf = getter(Node, 'parentNode');
  const appendChild = method(Node, 'appendChild');
  const replaceChild = method(Node, 'replaceChild');
  const isFrame = method(Element, 'matches');
  const framesIn = method(Element, 'querySelectorAll');
  const framesInFragment = method(DocumentFragment, 'querySelectorAll');
  const count = getter(NodeList, 'length');
  const at = method(NodeList, 'item');
  const attribute = method(Element, 'getAttribute');
  const setAttribute = method(Element, 'setAttribute');
  const removeAttribute = method(Element, 'removeAttribute');
  const localName = getter(Element, 'localName');
  const namespace = getter(Element, 'namespaceURI');
  const create = method(Document, 'createElementNS');
  const createComment = method(Document, 'createComment');
  const createFragment = method(Document, 'createDocumentFragment');
  const documentOf = getter(Node, 'ownerDocument');
  const has = method(WeakSet, 'has');
  const add = method(WeakSet, 'add');
  const remove = method(WeakSet, 'delete');
  const includes = method(String, 'includes');
  const startsWith = method(String, 'startsWith');
  const lower = method(String, 'toLowerCase');
  const replaceChildren = method(Element, 'replaceChildren');
  const replaceWith = method(Element, 'replaceWith');
  const before = method(Element, 'before');
  const after = method(Element, 'after');
  const prepend = method(Element, 'prepend');
  const append = method(Element, 'append');
  const NativeError = DOMException;
  const { trustedTypes } = window;
  const isHtml = trustedTypes && method(window.TrustedTypePolicyFactory, 'isHTML');
  const textOf = method(window.TrustedHTML, 'toString');

  const { checkFrames } = window.cloakroom.windows;
  /** Frames that begin blank; the page does not hear of that. @type {WeakSet<Element>} */
  const quiet = new WeakSet();

  /** Whether a node is in a shown document. Not in shadow trees: their frames are on no window's list, and contentWindow controls them. @param {any} node */
  const isShown = (node) => {
    const root = tryRead(rootOf, node);
    return root !== null && tryRead(typeOf, root) === 9 && viewOf(root) !== null;
  };

  /** The frames that are not inserted alone. @type {(values: unknown[], isReplacing: boolean) => Element[]} */
  const accompanied = (values, isReplacing) => {
    /** @type {Element[]} */
    const all = [];
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index];
      const type = typeof value === 'object' && value ? tryRead(typeOf, value) : null;
      if (type !== 1 && type !== 11 || !isReplacing && !firstChild(value) && values.length === 1) continue;
      const inner = type === 1 ? framesIn(value, FRAMES) : framesInFragment(value, FRAMES);
      if (type === 1 && isFrame(value, FRAMES)) push(all, /** @type {Element} */ (value));
      for (let next = 0; next < count(inner); next += 1) push(all, at(inner, next));
    }
    return all;
  };

  /** Has `put` insert nodes, with their frames blank; `values` are its arguments. @type {(nodes: unknown[], values: unknown[], put: () => any, isReplacing: boolean) => any} */
  const placed = (nodes, values, put, isReplacing) => {
    const frames = accompanied(nodes, isReplacing);
    /** @type {(() => void)[]} */
    const again = [];
    for (let index = 0; index < frames.length; index += 1) push(again, withheld(/** @type {Element} */ (frames[index]), values));
    try {
      return put();
    } finally {
      for (let index = 0; index < again.length; index += 1) again[index]?.();
    }
  };

  /** Keeps a frame from going to its address. @type {(frame: Element, values: unknown[]) => () => void} a function that lets it go there */
  const withheld = (frame, values) => {
    const source = attribute(frame, 'src');
    // Where the page demands trusted types, `srcdoc` could not be set again.
    if (attribute(frame, 'srcdoc') !== null) return apart(frame, values);
    add(quiet, frame);
    removeAttribute(frame, 'src');
    return () => {
      remove(quiet, frame);
      if (attribute(frame, 'src') === null) setAttribute(frame, 'src', source);
      checkFrames(viewOf(frame));
    };
  };

  /** Inserts a frame after the other nodes, and its content after the frame. @type {(frame: Element, values: unknown[]) => () => void} */
  const apart = (frame, values) => {
    const around = parentOf(frame);
    const place = createComment(documentOf(frame), '');
    if (around) replaceChild(around, place, frame);
    else for (let index = 0; index < values.length; index += 1) if (values[index] === frame) define(values, `${index}`, place);
    const inner = createFragment(documentOf(frame));
    for (let child = firstChild(frame); child; child = firstChild(frame)) appendChild(inner, child);
    return () => {
      const there = parentOf(place);
      if (there) replaceChild(there, frame, place);
      checkFrames(viewOf(frame));
      appendChild(frame, inner);
    };
  };

  /** @type {(of: (self: any) => Node, only: number | null, isReplacing?: boolean) => (native: Function) => Function} only: which argument is the node; null for all */
  const placing = (of, only, isReplacing = false) => (native) => ({
    wrapped(/** @type {unknown[]} */ ...values) {
      const node = of(this);
      const put = () => apply(native, this, values);
      const result = isShown(node) ? placed(only === null ? values : [values[only]], values, put, isReplacing) : put();
      checkFrames(viewOf(node));
      return result;
    },
  }).wrapped;
  const itself = (/** @type {Node} */ self) => self;

  /** All methods that insert nodes, and which argument is the node. @type {readonly [any, readonly string[], number | null][]} */
  const ways = [
    [Node, ['appendChild', 'insertBefore', 'replaceChild'], 0],
    [Element, ['append', 'prepend', 'before', 'after', 'replaceWith', 'replaceChildren'], null],
    [Element, ['insertAdjacentElement'], 1],
    [CharacterData, ['before', 'after', 'replaceWith'], null],
    [DocumentType, ['before', 'after', 'replaceWith'], null],
    [Document, ['append', 'prepend', 'replaceChildren'], null],
    [HTMLSelectElement, ['add'], 0],
  ];
  for (let index = 0; index < ways.length; index += 1) {
    const [owner, names, only] = /** @type {typeof ways[number]} */ (ways[index]);
    // A node that is replaced may run code too.
    for (const name of names) replace(owner, name, placing(itself, only, startsWith(name, 'replace')));
  }
  const startOf = getter(Range, 'startContainer');
  for (const name of ['insertNode', 'surroundContents']) replace(Range, name, placing(startOf, 0, true), startOf);

  /** The select element of each collection of options. @type {WeakMap<object, Node>} */
  const lists = new WeakMap();
  const listOf = method(WeakMap, 'get');
  const setList = method(WeakMap, 'set');
  replace(HTMLSelectElement, 'options', ({ get: native }) => ({
    get() {
      const options = apply(native, this, []);
      setList(lists, options, this);
      return options;
    },
  }));
  replace(window.HTMLOptionsCollection, 'add', placing((options) => listOf(lists, options), 0));

  /** @type {(native: Function) => Function} */
  const checkingFrames = (native) => ({
    wrapped(/** @type {unknown[]} */ ...values) {
      const result = apply(native, this, values);
      checkFrames(viewOf(/** @type {any} */ (this)));
      return result;
    },
  }).wrapped;
  // These insert what was in the document before, or text that does not run.
  replace(Element, 'moveBefore', checkingFrames);
  replace(Document, 'moveBefore', checkingFrames);
  replace(Document, 'execCommand', checkingFrames);

  /** An element of the same kind without code of the page, in which HTML parses alike. @param {any} node */
  const shellOf = (node) => {
    const name = localName(node);
    return create(documentOf(node), namespace(node), includes(name, '-') ? 'div' : name);
  };

  /** Converts what is written to text once: an object may give another text the next time. @param {unknown} text */
  const once = (text) => (typeof text === 'object' && text && !(isHtml && isHtml(trustedTypes, text)) ? `${text}` : text);
  /** Whether HTML text contains frames. @param {unknown} text */
  const hasFrames = (text) => found(FRAME_TAG, isHtml && isHtml(trustedTypes, text) ? textOf(text) : `${text}`);

  /**
   * Inserts text as the nodes that it parses to, in an element that is not shown.
   * @type {(around: any, write: (shell: Element) => void, put: (nodes: DocumentFragment) => void) => void}
   */
  const asNodes = (around, write, put) => {
    const shell = shellOf(around);
    write(shell);
    const nodes = createFragment(documentOf(around));
    for (let child = firstChild(shell); child; child = firstChild(shell)) appendChild(nodes, child);
    const values = [nodes];
    placed(values, values, () => { put(nodes); }, true);
    checkFrames(viewOf(around));
  };

  const setInner = setter(Element, 'innerHTML');
  /** @type {(put: (self: any, nodes: DocumentFragment) => void, around: (self: any) => any) => (native: PropertyDescriptor) => PropertyDescriptor} */
  const writing = (put, around) => ({ set: native }) => ({
    set(/** @type {unknown} */ given) {
      const value = once(given);
      const outer = isShown(this) ? around(this) : null;
      if (outer && hasFrames(value)) {
        asNodes(outer, (shell) => { setInner(shell, value); }, (nodes) => { put(this, nodes); });
        return;
      }
      apply(/** @type {Function} */ (native), this, [value]);
      checkFrames(viewOf(/** @type {any} */ (this)));
    },
  });
  replace(Element, 'innerHTML', writing(replaceChildren, (self) => self));
  replace(Element, 'outerHTML', writing(replaceWith, (self) => elementOf(parentOf(self))));
  const elementOf = (/** @type {any} */ node) => (node && tryRead(typeOf, node) === 1 ? node : null);

  for (const name of ['setHTML', 'setHTMLUnsafe']) {
    replace(Element, name, (native) => ({
      write(/** @type {unknown[]} */ ...values) {
        if (values.length) define(values, '0', once(values[0]));
        if (isShown(this) && hasFrames(values[0])) asNodes(this, (shell) => { apply(native, shell, values); }, (nodes) => { replaceChildren(this, nodes); });
        else apply(native, this, values);
        checkFrames(viewOf(/** @type {any} */ (this)));
      },
    }).write);
  }
  const PLACES = /** @type {any} */ ({ __proto__: null, beforebegin: before, afterbegin: prepend, beforeend: append, afterend: after });
  replace(Element, 'insertAdjacentHTML', (native) => ({
    insertAdjacentHTML(/** @type {unknown[]} */ ...values) {
      if (values.length > 1) {
        define(values, '0', `${values[0]}`);
        define(values, '1', once(values[1]));
      }
      const where = lower(`${values[0]}`);
      const put = where in PLACES ? PLACES[where] : null;
      const outer = put === before || put === after ? elementOf(parentOf(this)) : this;
      if (put && outer && isShown(this) && hasFrames(values[1])) asNodes(outer, (shell) => { setInner(shell, values[1]); }, (nodes) => { put(this, nodes); });
      else apply(native, this, values);
      checkFrames(viewOf(/** @type {any} */ (this)));
    },
  }).insertAdjacentHTML);

  /** @type {(native: PropertyDescriptor) => PropertyDescriptor} */
  const placingSetter = ({ set: native }) => ({
    set(/** @type {unknown} */ value) {
      const put = () => apply(/** @type {Function} */ (native), this, [value]);
      if (isShown(this)) placed([value], [value], put, true);
      else put();
      checkFrames(viewOf(/** @type {any} */ (this)));
    },
  });
  for (const name of ['caption', 'tHead', 'tFoot']) replace(HTMLTableElement, name, placingSetter);
  replace(Document, 'body', placingSetter);

  // A customised frame would run code before it can be controlled, so it remains a frame, as in browsers without such elements.
  replace(window.CustomElementRegistry, 'define', (native) => ({
    define(/** @type {any[]} */ ...values) {
      const isTold = typeof values[2] === 'object' && values[2] !== null;
      const base = isTold ? values[2].extends : undefined;
      const kind = base === undefined ? undefined : `${base}`;
      if (kind === 'iframe' || kind === 'frame') throw new NativeError('A frame cannot be customised.', 'NotSupportedError');
      // Read once, as text above.
      if (isTold) define(values, '2', { __proto__: null, extends: kind });
      return apply(native, this, values);
    },
  }).define);

  Object.assign(window.cloakroom, { insertedFrames: { isQuiet: (/** @type {Element} */ frame) => has(quiet, frame) } });
})();
