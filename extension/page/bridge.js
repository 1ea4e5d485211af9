// @ts-check
/**
 * First of the scripts that run in the page's own world, before any script of the page.
 *
 * The page shares this world, so nothing here may depend on anything that the page can replace later: every built-in is
 * taken now, and called through Reflect.apply. Arrays are neither iterated nor written through, since both would reach
 * Array.prototype. Photos never lie in an array of this world before they are cloaked: native lists go to the content
 * script as they are.
 *
 * The scripts of this folder share one object on `window`, which `seal.js`, the last of them, removes before the page's
 * first script runs. In a window that frame_windows.js rules from outside there is none, and none of them does anything.
 */
(() => {
  /** Milliseconds in which a content script answers. */
  const HEARD_MS = 1500;
  // That mark cannot be taken off, and no page had this window before it was there.
  if (Reflect.has(window, 'cloakroom')) return;
  const { apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;

  /** Without what a page hung on Object.prototype. @type {(owner: any, name: string) => any} */
  const described = (owner, name) => {
    const descriptor = getOwnPropertyDescriptor(owner, name);
    return descriptor && { __proto__: null, ...descriptor };
  };

  /** @type {Cloakroom['asked']} */
  const asked = (read, node) => {
    try {
      return read(node);
    } catch {
      return null;
    }
  };

  /** Whether the page's own scripts may have run. */
  let isSealed = false;
  /** Built-ins that are not where they were looked for: the problem report names them. @type {string[]} */
  const missing = [];
  const miss = (/** @type {any} */ owner, /** @type {string} */ name) => {
    if (owner?.prototype && !isSealed) missing[missing.length] = `${owner.name ?? 'window'}.${name}`;
  };
  /** Looks up the prototypes too: browsers move members there. @type {(owner: any, name: string, part: 'value' | 'get' | 'set') => any} */
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
  /** What takes the place of a built-in, so that it can take it in another realm too: "" is the window's own. @type {Cloakroom['replaced']} */
  const replaced = [];
  /** A page may tell a function by its name, and how many values it takes. @type {(made: any, native: any) => void} */
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
    // The page keeps its own: a wrapper that cannot work would throw in its face.
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
    // What is reached through an object later on has no name by which it is found in another realm.
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

  /** What is made where a node lies: a page asks whether a file is one of its own realm's. @type {Cloakroom['realm']} */
  const realm = (view) => ({
    Event: view.Event, DragEvent: view.DragEvent, ClipboardEvent: view.ClipboardEvent, DataTransfer: view.DataTransfer,
    InputEvent: view.InputEvent, KeyboardEvent: view.KeyboardEvent, StaticRange: view.StaticRange,
    take: view === window ? (files) => files : view.structuredClone.bind(view),
  });
  const here = realm(window);
  /** Of the windows that frame_windows.js rules. @type {WeakMap<Window, Realm>} */
  const realms = new WeakMap();
  const realmAt = method(WeakMap, 'get');
  const documentOf = getter(Node, 'ownerDocument');
  const defaultView = getter(Document, 'defaultView');
  /** The window that a node or a document is shown in. @type {Cloakroom['viewOf']} */
  const viewOf = (node) => asked((self) => defaultView(documentOf(self) ?? self), node);

  // A promise looks for `then` on whatever it resolves with. Were there one of the page's on these prototypes, or above them,
  // it would be handed the original before anything here hears of it. This one can be neither replaced nor shadowed.
  for (const owner of [Blob, File, Array, window.FileSystemHandle, window.FileSystemFileHandle, window.FileSystemDirectoryHandle]) {
    if (!owner) continue;
    const descriptor = { __proto__: null, value: undefined };
    defineProperty(owner.prototype, 'then', descriptor);
    replaced[replaced.length] = { owner: owner.name, name: 'then', descriptor };
  }

  /** Files that the page may see: cloaked ones, those that are no images, and the page's own. */
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

  /** The content script answers at once. Where it does not, the extension was updated or removed under this page, and nobody ever will. @param {number} id */
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
    // Looked at twice, because a busy page delays the answer.
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

  /** @type {Omit<Cloakroom, 'inputs' | 'composers' | 'insertion' | 'pastes' | 'forms' | 'links' | 'roots' | 'transfers' | 'items' | 'handles' | 'cloaked' | 'known' | 'windows' | 'placing'>} */
  const cloakroom = {
    method, getter, setter, asked, replace, replaced, realm, realms, viewOf, approved, has, add, addEventListener, preventDefault,
    realmOf: (node) => realmAt(realms, viewOf(node)) ?? here,
    hold(files, settled, where = here) {
      holds += 1;
      // Takes the photo along whatever the page does afterwards: a File is cloned, and its list read, right here.
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
    isFileInput: /** @returns {node is HTMLInputElement} */ (/** @type {unknown} */ node) => asked(typeOf, node) === 'file',
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
      // A descriptor that inherits from nothing: a `get` of the page's on Object.prototype would make it an invalid one.
      defineProperty(object, name, /** @type {PropertyDescriptor} */ ({ __proto__: null, value, configurable: true, enumerable: true }));
    },
    // Where a list has nothing yet, writing to it would go to a setter of the page's on Array.prototype.
    push(list, value) {
      cloakroom.define(list, `${list.length}`, value);
    },
    // Both worlds hold the content script's port, and the page does not: an event at it is heard at once, by them alone.
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

  // The content script runs first and takes the port. If it does not, nobody ever answers, and every upload stays held.
  dispatchEvent(window, new MessageEvent('cloakroom-offer', { ports: [remote] }));
})();
