// @ts-check
/**
 * Keeps handles of the person's files in the page: a worker's own getFile would read the original. To post or store one fails like
 * anything that cannot be cloned; the page keeps its handle, whose files are cloaked.
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
  const nativeClone = window.structuredClone.bind(window);
  const replaceText = method(String, 'replace');
  const messageOf = getter(DOMException, 'message');
  const errorName = getter(DOMException, 'name');
  const NativeError = DOMException;
  const NativeSet = WeakSet;
  const isArray = Array.isArray;

  /** Whether a clone contains a handle. A clone has no getters and no proxies. @param {unknown} value */
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

  /**
   * Clones a value; an error reads as if the built-in had thrown it. The built-in cannot be called instead: a page's object may
   * read differently the next time.
   * @type {(where: string, value: unknown, transfer?: Transferable[]) => any}
   */
  const clone = (where, value, transfer = []) => {
    try {
      return nativeClone(value, { transfer });
    } catch (error) {
      let failure = error;
      try {
        failure = new NativeError(replaceText(messageOf(error), "'structuredClone' on 'Window'", where), errorName(error));
      } catch {
        // The error of one of the page's getters.
      }
      throw failure;
    }
  };

  /** @param {unknown} value */
  const refuse = (value) => {
    if (holdsHandle(value)) throw new NativeError('A handle of a file that the person picked cannot be cloned.', 'DataCloneError');
  };

  // A page's object may read differently each time: its clone is checked and sent.
  /** @type {(owner: string) => (native: Function) => Function} */
  const refusingHandles = (owner) => (native) => ({
    postMessage(/** @type {unknown[]} */ ...values) {
      if (!handles.areKnown() || values.length === 0) return apply(native, this, values);
      const given = values[1];
      const transfer = isArray(given) ? given : /** @type {{ transfer?: unknown }} */ (given ?? {}).transfer ?? [];
      const sent = clone(`'postMessage' on '${owner}'`, { message: values[0], transfer }, /** @type {Transferable[]} */ (transfer));
      refuse(sent.message);
      return apply(native, this, [sent.message, sent.transfer]);
    },
  }).postMessage;
  for (const owner of /** @type {const} */ (['Worker', 'MessagePort', 'BroadcastChannel', 'ServiceWorker'])) {
    replace(window[owner], 'postMessage', refusingHandles(owner));
  }

  /** Refuses to store handles: a worker may open the same database. @type {(where: string) => (native: Function) => Function} */
  const storingNone = (where) => (native) => ({
    store(/** @type {unknown[]} */ ...values) {
      if (handles.areKnown() && values.length) {
        const value = clone(where, values[0]);
        refuse(value);
        define(values, '0', value);
      }
      return apply(native, this, values);
    },
  }).store;
  replace(window.IDBObjectStore, 'add', storingNone("'add' on 'IDBObjectStore'"));
  replace(window.IDBObjectStore, 'put', storingNone("'put' on 'IDBObjectStore'"));
  replace(window.IDBCursor, 'update', storingNone("'update' on 'IDBCursor'"));
})();
