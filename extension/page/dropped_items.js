// @ts-check
/**
 * Guards what a drop has besides files: entries and handles, also of directories, which a page may read long after the event. They are
 * taken while the browser gives them, and the repeated event has them.
 */
(() => {
  if (!window.cloakroom) return;
  const { method, getter, tryRead, replace, define, push, approveFile, cloaked, cloakedFiles, handles } = window.cloakroom;

  const get = method(WeakMap, 'get');
  const set = method(WeakMap, 'set');
  const has = method(WeakSet, 'has');
  const add = method(WeakSet, 'add');
  const nativeThen = method(Promise, 'then');
  const itemsOf = getter(DataTransfer, 'items');
  const kindOf = getter(DataTransferItem, 'kind');
  const asFile = method(DataTransferItem, 'getAsFile');
  const entryOf = method(DataTransferItem, 'webkitGetAsEntry');
  const handleOf = method(DataTransferItem, 'getAsFileSystemHandle');
  const nameOf = getter(File, 'name');
  const itemCount = getter(DataTransferItemList, 'length');
  const sizeOf = getter(Blob, 'size');
  const endsWith = method(String, 'endsWith');
  const later = window.setTimeout.bind(window);
  const NativeError = DOMException;
  const hasHandles = 'getAsFileSystemHandle' in DataTransferItem.prototype;
  const { apply, getPrototypeOf, get: read } = Reflect;
  const { isArray } = Array;
  const NativeFile = File;
  const NativePromise = Promise;

  /** The dropped item that each file given to the page stands for. @type {WeakMap<File, DroppedItem>} */
  const dropped = new WeakMap();
  /** Prototypes whose methods are replaced. Chromium names no constructor of theirs: they are reached through objects. */
  const guarded = new WeakSet();

  /** @type {(entry: any) => any} */
  let systemOf = getter(window.FileSystemEntry, 'filesystem');
  let nameOfSystem = getter(window.FileSystem, 'name');
  /** Whether the page made an entry itself, in the storage that Chromium gives to sites. @type {(entry: any) => boolean} */
  const isOwn = (entry) => {
    const name = tryRead((self) => nameOfSystem(systemOf(self)), entry) ?? '';
    return endsWith(name, ':Temporary') || endsWith(name, ':Persistent');
  };

  /** @type {(native: Function) => Function} */
  const guardingFile = (native) => ({
    file(/** @type {unknown} */ success, /** @type {unknown} */ failure) {
      if (isOwn(this)) {
        const given = typeof success === 'function' ? (/** @type {File} */ file) => { success(approveFile(file)); } : success;
        apply(native, this, [given, failure]);
        return;
      }
      const fail = (/** @type {unknown} */ error) => { if (typeof failure === 'function') failure(error); };
      const give = (/** @type {File} */ file) => { if (typeof success === 'function') success(file); };
      const ready = get(cloakedFiles, this);
      if (ready) {
        then(ready, give, fail);
        return;
      }
      apply(native, this, [(/** @type {File} */ file) => { then(cloaked(file), give, fail); }, fail]);
    },
  }).file;

  /** @type {(promise: Promise<any>, done: (value: any) => void, failed: (error: unknown) => void) => void} */
  const then = (promise, done, failed) => {
    define(promise, 'constructor', NativePromise);
    nativeThen(promise, done, failed);
  };

  /** Guards the results that a method gives to its callback, which is argument `at`. @type {(at: number, look?: (result: any) => void) => (native: Function) => Function} */
  const guardingResult = (at, look = guard) => (native) => ({
    wrapped(/** @type {unknown[]} */ ...values) {
      const callback = values[at];
      if (typeof callback === 'function') {
        define(values, String(at), (/** @type {any} */ result) => {
          if (isArray(result)) for (let index = 0; index < result.length; index += 1) look(result[index]);
          else look(result);
          callback(result);
        });
      }
      return apply(native, this, values);
    },
  }).wrapped;

  /** Forbids to copy the person's files into the page's storage, where a worker could read them; argument `at` is called with the error. @type {(at: number) => (native: Function) => Function} */
  const keeping = (at) => (native) => ({
    wrapped(/** @type {any[]} */ ...values) {
      if (isOwn(this)) return apply(native, this, values);
      const failed = values[at];
      if (typeof failed === 'function') later(() => { failed(new NativeError('It is not of this site.', 'NoModificationAllowedError')); }, 0);
      return undefined;
    },
  }).wrapped;

  /** Reports the size of the cloaked file. @type {(native: Function) => Function} */
  const describing = (native) => ({
    getMetadata(/** @type {any[]} */ ...values) {
      const success = values[0];
      const failed = values[1];
      const entry = /** @type {any} */ (this);
      if (!entry.isFile || isOwn(this) || typeof success !== 'function') return apply(native, this, values);
      entry.file((/** @type {File} */ file) => {
        apply(native, entry, [(/** @type {object} */ metadata) => {
          define(metadata, 'size', sizeOf(file));
          success(metadata);
        }, failed]);
      }, failed);
      return undefined;
    },
  }).getMetadata;

  /** @param {any} entry */
  const guard = (entry) => {
    if (!entry) return;
    const prototype = getPrototypeOf(entry);
    if (!prototype || has(guarded, prototype)) return;
    const owner = { prototype };
    replace(owner, 'file', guardingFile);
    replace(owner, 'getFile', guardingResult(2));
    replace(owner, 'getDirectory', guardingResult(2));
    replace(owner, 'readEntries', guardingResult(0));
    const base = { prototype: getPrototypeOf(prototype) };
    if (!has(guarded, base.prototype) && base.prototype !== Object.prototype) {
      systemOf = getter(base, 'filesystem');
      const system = systemOf(entry);
      nameOfSystem = getter({ prototype: getPrototypeOf(system) }, 'name');
      replace(base, 'getParent', guardingResult(0));
      replace(base, 'copyTo', keeping(3));
      replace(base, 'moveTo', keeping(3));
      replace(base, 'getMetadata', describing);
      add(guarded, base.prototype);
    }
    // Last: after an error the next entry tries again.
    add(guarded, prototype);
    if ('createReader' in prototype) guard(apply(/** @type {Function} */ (read(prototype, 'createReader')), entry, []));
  };

  if (window.FileSystemFileEntry) {
    replace(window.FileSystemFileEntry, 'file', guardingFile);
    add(guarded, window.FileSystemFileEntry.prototype);
  }

  // A page could take the methods of all entries from its own, before any is dropped.
  const guardSystem = (/** @type {object} */ system) => { guard(getter({ prototype: getPrototypeOf(system) }, 'root')(system)); };
  replace({ prototype: window }, 'webkitRequestFileSystem', guardingResult(2, guardSystem));
  replace({ prototype: window }, 'webkitResolveLocalFileSystemURL', guardingResult(1));
  replace(DataTransferItem, 'webkitGetAsEntry', (native) => ({
    webkitGetAsEntry() {
      const file = kindOf(this) === 'file' ? asFile(this) : null;
      const item = file && get(dropped, file);
      if (item) return item.entry;
      const entry = apply(native, this, []);
      guard(entry);
      return entry;
    },
  }).webkitGetAsEntry);
  replace(DataTransferItem, 'getAsFileSystemHandle', (native) => ({
    getAsFileSystemHandle() {
      const file = kindOf(this) === 'file' ? asFile(this) : null;
      const item = file && get(dropped, file);
      handles.markKnown();
      return item?.handle ?? apply(native, this, []);
    },
  }).getAsFileSystemHandle);

  Object.assign(window.cloakroom, {
    droppedItems: {
      /** @type {Cloakroom['droppedItems']['take']} */
      take(data) {
        const list = itemsOf(data);
        /** @type {DroppedItem[]} */
        const taken = [];
        for (let index = 0; index < itemCount(list); index += 1) {
          const item = list[index];
          if (kindOf(item) !== 'file') continue;
          const file = asFile(item);
          // Null where this browser has no entries.
          const entry = tryRead(entryOf, item);
          guard(entry);
          push(taken, { file, entry, handle: hasHandles ? handleOf(item) : null });
        }
        return taken;
      },
      isFolder: (/** @type {DroppedItem} */ item) => item.entry?.isDirectory === true,
      /** @type {Cloakroom['droppedItems']['give']} */
      give(item, file) {
        if (!file) {
          // An empty file: a page reads a directory by its entry or its handle.
          const placeholder = approveFile(new NativeFile([], nameOf(item.file)));
          set(dropped, placeholder, item);
          return placeholder;
        }
        const ready = new NativePromise((/** @type {(file: File) => void} */ resolve) => { resolve(file); });
        if (item.entry) set(cloakedFiles, item.entry, ready);
        if (item.handle) then(item.handle, (handle) => { if (handle) set(cloakedFiles, handle, ready); }, () => {});
        set(dropped, file, item);
        return file;
      },
    },
  });
})();
