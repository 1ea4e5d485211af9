// @ts-check
/**
 * First of our scripts in the page's own world. All run before any script of the page.
 *
 * The page shares this world, so nothing here may depend on what the page can replace later: every built-in is taken now, and
 * called through Reflect.apply. Arrays are neither iterated nor assigned beyond their end, as both would reach Array.prototype.
 * Uncloaked photos never lie in an array of this world: native lists go to the content script as they are.
 *
 * The scripts of this folder share one object on `window`, which `seal.js`, the last, removes before the page's first script
 * runs. In a window that frame_windows.js controls from outside it is missing, and no script does anything.
 */
(() => {
  /** Milliseconds within which a content script answers. */
  const HEARD_MS = 1500;
  // The mark of a controlled window: set before any page has the window, it cannot be removed.
  if (Reflect.has(window, 'cloakroom')) return;
  const { apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;

  /** A property's descriptor, without what a page put on Object.prototype. @type {(owner: any, name: string) => any} */
  const described = (owner, name) => {
    const descriptor = getOwnPropertyDescriptor(owner, name);
    return descriptor && { __proto__: null, ...descriptor };
  };

  /** @type {Cloakroom['tryRead']} */
  const tryRead = (read, node) => {
    try {
      return read(node);
    } catch {
      return null;
    }
  };

  /** Whether the page's own scripts may have run. */
  let isSealed = false;
  /** Built-ins that were not found, for the problem report. @type {string[]} */
  const missing = [];
  const miss = (/** @type {any} */ owner, /** @type {string} */ name) => {
    if (owner?.prototype && !isSealed) missing[missing.length] = `${owner.name ?? 'window'}.${name}`;
  };
  /** Searches the prototypes too: browsers move members there. @type {(owner: any, name: string, part: 'value' | 'get' | 'set') => any} */
  const find = (owner, name, part) => {
    for (let at = owner?.prototype; at; at = getPrototypeOf(at)) {
      const native = described(at, name)?.[part];
      if (native) return native;
    }
    miss(owner, name);
    return null;
  };
  const absent = () => { throw new TypeError('not in this browser'); };

  /** @type {Cloakroom['method']} */
  const method = (owner, name) => {
    const native = find(owner, name, 'value');
    return native ? (self, ...values) => apply(native, self, values) : absent;
  };
  /** @type {Cloakroom['getter']} */
  const getter = (owner, name) => {
    const native = find(owner, name, 'get');
    return native ? (self) => apply(native, self, []) : absent;
  };
  /** @type {Cloakroom['setter']} */
  const setter = (owner, name) => {
    const native = find(owner, name, 'set');
    return native ? (self, value) => apply(native, self, [value]) : absent;
  };
  /** Replacements of built-ins, to be made in other realms too; owner "" is the window itself. @type {Cloakroom['replaced']} */
  const replaced = [];
  /** Copies a function's name and length, by which a page could tell it apart. @type {(made: any, native: any) => void} */
  const likeNative = (made, native) => {
    if (typeof made !== 'function' || made === native) return;
    likeIn(made, native, 'name');
    likeIn(made, native, 'length');
  };
  /** @type {(made: any, native: any, trait: 'name' | 'length') => void} */
  const likeIn = (made, native, trait) => {
    const told = described(native, trait);
    if (told && described(made, trait)?.value !== told.value) defineProperty(made, trait, told);
  };
  /** @type {Cloakroom['replace']} */
  const replace = (owner, name, make, ...needed) => {
    const descriptor = owner?.prototype && described(owner.prototype, name);
    let isWhole = descriptor !== undefined;
    for (let index = 0; index < needed.length; index += 1) isWhole &&= needed[index] !== absent;
    // The page keeps the built-in: a wrapper that cannot work would throw.
    if (!isWhole) {
      miss(owner, name);
      return;
    }
    const made = descriptor.value ? { value: make(descriptor.value) } : make(descriptor);
    const other = /** @type {PropertyDescriptor} */ ({ __proto__: null, ...descriptor, ...made });
    likeNative(other.value, descriptor.value);
    likeNative(other.get, descriptor.get);
    likeNative(other.set, descriptor.set);
    defineProperty(owner.prototype, name, other);
    // What is replaced later was reached through an object, and has no name in another realm.
    if (isSealed) return;
    if (typeof owner === 'function') replaced[replaced.length] = { owner: owner.name, name, descriptor: other };
    else if (owner.prototype === window) replaced[replaced.length] = { owner: '', name, descriptor: other };
  };

  const has = method(WeakSet, 'has');
  const add = method(WeakSet, 'add');
  const addEventListener = method(EventTarget, 'addEventListener');
  const dispatchEvent = method(EventTarget, 'dispatchEvent');
  const composedPath = method(Event, 'composedPath');
  const stopImmediatePropagation = method(Event, 'stopImmediatePropagation');
  const preventDefault = method(Event, 'preventDefault');
  const postMessage = method(MessagePort, 'postMessage');
  const dataOf = getter(MessageEvent, 'data');
  const listLength = getter(FileList, 'length');
  const listItem = method(FileList, 'item');
  const itemsOf = getter(DataTransfer, 'items');
  const addItem = method(DataTransferItemList, 'add');
  const typeOf = getter(HTMLInputElement, 'type');
  const later = window.setTimeout.bind(window);

  /** The constructors of a node's realm: a page may test whether a file is of its own realm. @type {Cloakroom['realm']} */
  const realm = (view) => ({
    Event: view.Event, DragEvent: view.DragEvent, ClipboardEvent: view.ClipboardEvent, DataTransfer: view.DataTransfer,
    InputEvent: view.InputEvent, KeyboardEvent: view.KeyboardEvent, StaticRange: view.StaticRange,
    take: view === window ? (files) => files : view.structuredClone.bind(view),
  });
  const here = realm(window);
  /** The realms of windows that frame_windows.js controls. @type {WeakMap<Window, Realm>} */
  const realms = new WeakMap();
  const realmAt = method(WeakMap, 'get');
  const documentOf = getter(Node, 'ownerDocument');
  const defaultView = getter(Document, 'defaultView');
  /** The window that a node or a document is shown in. @type {Cloakroom['viewOf']} */
  const viewOf = (node) => tryRead((self) => defaultView(documentOf(self) ?? self), node);

  // A promise looks up `then` on what it resolves with. A page's `then` on these prototypes, or above them, would be given the
  // original before our scripts. These can be neither replaced nor shadowed.
  for (const owner of [Blob, File, Array, window.FileSystemHandle, window.FileSystemFileHandle, window.FileSystemDirectoryHandle]) {
    if (!owner) continue;
    const descriptor = { __proto__: null, value: undefined };
    defineProperty(owner.prototype, 'then', descriptor);
    replaced[replaced.length] = { owner: owner.name, name: 'then', descriptor };
  }

  /** Files that the page may see: cloaked ones, those that are no images, and those that the page made. */
  const approved = new WeakSet();

  /** @type {{ [id: number]: { settle: (files: File[] | null) => void, where: Realm, isHeard: boolean } }} */
  const waiting = Object.create(null);
  let holds = 0;
  /** Tells the person to reload the tab. */
  let orphaned = () => {};

  /** @type {(id: number, given: File[] | null) => void} */
  const settle = (id, given) => {
    const held = waiting[id];
    if (!held) return;
    delete waiting[id];
    const files = given && held.where.take(given);
    if (files) for (let index = 0; index < files.length; index += 1) add(approved, files[index]);
    held.settle(files);
  };

  /** Gives up a hold that the content script does not confirm: the extension was updated or removed under this page. @param {number} id */
  const expect = (id) => {
    const look = (/** @type {number} */ left) => {
      if (!waiting[id] || waiting[id].isHeard) return;
      if (left) {
        later(look, HEARD_MS, left - 1);
        return;
      }
      orphaned();
      settle(id, null);
    };
    // Twice, because a busy page delays the answer.
    later(look, HEARD_MS, 1);
  };

  const { port1: port, port2: remote } = new MessageChannel();
  addEventListener(port, 'message', (/** @type {MessageEvent} */ event) => {
    /** @type {import('../shared/messages.js').ToPage} */
    const message = dataOf(event);
    if (message.type === 'heard') {
      const held = waiting[message.id];
      if (held) held.isHeard = true;
      return;
    }
    if (message.isOrphaned) orphaned();
    settle(message.id, message.files);
  });
  method(MessagePort, 'start')(port);

  /** @type {(event: SubmitEvent) => void} */
  let shown = () => {};

  /** @type {Omit<Cloakroom, 'inputs' | 'composers' | 'insertion' | 'pastes' | 'forms' | 'links' | 'roots' | 'drops' | 'droppedItems' | 'handles' | 'cloaked' | 'cloakedFiles' | 'windows' | 'insertedFrames'>} */
  const cloakroom = {
    method, getter, setter, tryRead, replace, replaced, realm, realms, viewOf, approved, has, add, addEventListener, preventDefault,
    realmOf: (node) => realmAt(realms, viewOf(node)) ?? here,
    hold(files, settled, where = here) {
      holds += 1;
      // Clones the files now, so that nothing that the page does afterwards can change them.
      postMessage(port, { id: holds, files, missing });
      waiting[holds] = { settle: settled, where, isHeard: false };
      expect(holds);
      return holds;
    },
    abandon(id) {
      delete waiting[id];
      postMessage(port, { id, files: null, missing });
    },
    /** @type {Cloakroom['isFileInput']} */
    // The native getter knows inputs of every realm; instanceof knows those of this one.
    isFileInput: /** @returns {node is HTMLInputElement} */ (/** @type {unknown} */ node) => tryRead(typeOf, node) === 'file',
    isApproved(list) {
      for (let index = 0; index < listLength(list); index += 1) {
        if (!has(approved, listItem(list, index))) return false;
      }
      return true;
    },
    approveList(list) {
      for (let index = 0; index < listLength(list); index += 1) add(approved, listItem(list, index));
    },
    approveFile(file) {
      add(approved, file);
      return file;
    },
    count: (list) => listLength(list),
    transfer(files, where = here) {
      const transfer = new where.DataTransfer();
      for (let index = 0; index < files.length; index += 1) addItem(itemsOf(transfer), files[index]);
      return transfer;
    },
    path: (event) => composedPath(event),
    target: (event) => composedPath(event)[0] ?? null,
    stop: (event) => stopImmediatePropagation(event),
    dispatch: (node, event) => dispatchEvent(node, event),
    define(object, name, value) {
      // The descriptor inherits from nothing: a `get` that the page put on Object.prototype would make it invalid.
      defineProperty(object, name, /** @type {PropertyDescriptor} */ ({ __proto__: null, value, configurable: true, enumerable: true }));
    },
    // An assignment beyond the end would call a setter that the page put on Array.prototype.
    push(list, value) {
      cloakroom.define(list, `${list.length}`, value);
    },
    // Both worlds have this port and the page has not: an event at it is heard synchronously, and by them alone.
    whenShown(listener) {
      shown = listener;
      cloakroom.hear(remote);
    },
    seal() {
      isSealed = true;
    },
    whenOrphaned(listener) {
      orphaned = listener;
    },
    hear(from) {
      addEventListener(from, 'show', shown, false);
    },
    tellContent(event, to = remote) {
      dispatchEvent(to, event);
    },
  };
  defineProperty(window, 'cloakroom', { value: cloakroom, configurable: true });

  // The content script ran before and takes the port. Without it nobody answers, and every upload stays held.
  dispatchEvent(window, new MessageEvent('cloakroom-offer', { ports: [remote] }));
})();
