// @ts-check
/**
 * Handles of the person's files stay in the page: a worker's own getFile would read the original. What would carry one away
 * fails as for anything that cannot be cloned, and the page keeps its handle, whose files are cloaked.
 */
(() => {
  if (!window.cloakroom) return;
  const { method, getter, replace, define, handles } = window.cloakroom;

  const kindOf = getter(window.FileSystemHandle, 'kind');
  const has = method(WeakSet, 'has');
  const add = method(WeakSet, 'add');
  const eachOfMap = method(Map, 'forEach');
  const eachOfSet = method(Set, 'forEach');
  const { apply, ownKeys, getOwnPropertyDescriptor } = Reflect;
  const clone = window.structuredClone.bind(window);
  const NativeError = DOMException;
  const NativeSet = WeakSet;
  const isArray = Array.isArray;

  /** Whether a clone holds a handle: it has no getters and no proxies. @param {unknown} value */
  const holdsHandle = (value) => {
    const seen = new NativeSet();
    let found = false;
    /** @param {any} node */
    const walk = (node) => {
      if (found || typeof node !== 'object' || node === null || has(seen, node)) return;
      add(seen, node);
      found = is(kindOf, node);
      const each = (/** @type {unknown} */ inner, /** @type {unknown} */ key) => { walk(key); walk(inner); };
      if (!is(eachOfMap, node, each)) is(eachOfSet, node, each);
      const keys = ownKeys(node);
      for (let index = 0; index < keys.length; index += 1) {
        const descriptor = getOwnPropertyDescriptor(node, /** @type {PropertyKey} */ (keys[index]));
        if (descriptor) walk(descriptor.value);
      }
    };
    walk(value);
    return found;
  };

  /** Whether a method takes a node as one of its kind. @type {(native: (self: unknown, ...values: any[]) => unknown, node: unknown, ...values: unknown[]) => boolean} */
  const is = (native, node, value) => {
    try {
      native(node, value);
      return true;
    } catch {
      return false;
    }
  };

  /** @param {unknown} value */
  const refuse = (value) => {
    if (holdsHandle(value)) throw new NativeError('A handle of a file that the person picked cannot be cloned.', 'DataCloneError');
  };

  // What a page's object holds may differ each time it is read: its clone is what is looked at, and what is sent.
  /** @type {(native: Function) => Function} */
  const refusingHandles = (native) => ({
    postMessage(/** @type {unknown[]} */ ...values) {
      if (!handles.anyMet()) return apply(native, this, values);
      const given = values[1];
      const transfer = isArray(given) ? given : /** @type {{ transfer?: unknown }} */ (given ?? {}).transfer ?? [];
      const sent = clone({ message: values[0], transfer }, { transfer: /** @type {Transferable[]} */ (transfer) });
      refuse(sent.message);
      return apply(native, this, [sent.message, sent.transfer]);
    },
  }).postMessage;
  replace(window.Worker, 'postMessage', refusingHandles);
  replace(window.MessagePort, 'postMessage', refusingHandles);
  replace(window.BroadcastChannel, 'postMessage', refusingHandles);
  replace(window.ServiceWorker, 'postMessage', refusingHandles);

  /** A worker may open the same database. @type {(native: Function) => Function} */
  const storingNone = (native) => ({
    store(/** @type {unknown[]} */ ...values) {
      if (handles.anyMet()) {
        const value = clone(values[0]);
        refuse(value);
        define(values, '0', value);
      }
      return apply(native, this, values);
    },
  }).store;
  replace(window.IDBObjectStore, 'add', storingNone);
  replace(window.IDBObjectStore, 'put', storingNone);
  replace(window.IDBCursor, 'update', storingNone);
})();
