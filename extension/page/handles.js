// @ts-check
/** Files that reach a page through a handle or the asynchronous clipboard, outside of any event. */
(() => {
  if (!window.cloakroom) return;
  const { method, replace, has, add, approved, hold, transfer, getter, define, dispatch, stop, preventDefault, addEventListener, push } = window.cloakroom;

  const applyTo = Reflect.apply;
  const nativeThen = method(Promise, 'then');
  const get = method(WeakMap, 'get');
  const set = method(WeakMap, 'set');
  const resolvePath = method(window.FileSystemDirectoryHandle, 'resolve');
  const storageRoot = method(window.StorageManager, 'getDirectory');
  const filesOf = getter(DataTransfer, 'files');
  const append = method(FormData, 'append');
  const entryOf = method(FormData, 'get');
  const NativePromise = Promise;
  const NativeFormData = FormData;
  const NativeError = DOMException;
  const { storage } = navigator;

  /** @type {(promise: Promise<any>, done: (value: any) => void, failed?: (error: unknown) => void) => void} */
  const then = (promise, done, failed) => {
    // `then` asks its promise for the constructor: a getter of the page's would be handed the promise, and what comes of it.
    define(promise, 'constructor', NativePromise);
    nativeThen(promise, done, failed);
  };

  /** @type {(blob: Blob) => File} */
  const asFile = (blob) => {
    // File's own constructor would take the blob from an array, by an iterator that the page can replace.
    const data = new NativeFormData();
    append(data, 'file', blob, '');
    return entryOf(data, 'file');
  };

  /** The cloaked file of each original that a handle gave, and of handles and entries that were dropped: several reads are one job. @type {WeakMap<object, Promise<File>>} */
  const known = new WeakMap();

  /** @type {(file: File) => Promise<File>} */
  const cloaked = (file) => {
    if (has(approved, file)) return new NativePromise((resolve) => resolve(file));
    const before = get(known, file);
    if (before) return before;
    const promise = new NativePromise((resolve, reject) => {
      hold(filesOf(transfer([file])), (files) => {
        if (files?.[0]) resolve(files[0]);
        else reject(new NativeError('The upload was cancelled.', 'AbortError'));
      });
    });
    set(known, file, promise);
    return promise;
  };

  /** Whether a handle lies in the page's own storage, whose files the page wrote itself. @type {(handle: object) => Promise<boolean>} */
  const isOwn = (handle) => new NativePromise((resolve) => {
    try {
      const no = () => resolve(false);
      then(storageRoot(storage), (/** @type {object} */ root) => {
        then(resolvePath(root, handle), (/** @type {unknown} */ path) => resolve(path !== null), no);
      }, no);
    } catch {
      resolve(false);
    }
  });

  replace(window.FileSystemFileHandle, 'getFile', (native) => ({
    getFile() {
      const handle = this;
      return new NativePromise((resolve, reject) => {
        then(applyTo(native, handle, []), (/** @type {File} */ file) => {
          then(isOwn(handle), (/** @type {boolean} */ mine) => {
            const ready = get(known, handle);
            if (ready) {
              then(ready, resolve, reject);
            } else if (mine) {
              add(approved, file);
              resolve(file);
            } else {
              then(cloaked(file), resolve, reject);
            }
          });
        }, reject);
      });
    },
  }).getFile);

  /** Items that came from the system's clipboard, not from the page. */
  const foreign = new WeakSet();
  replace(window.Clipboard, 'read', (native) => ({
    read(/** @type {unknown[]} */ ...values) {
      return new NativePromise((resolve, reject) => {
        then(applyTo(native, this, values), (/** @type {ClipboardItem[]} */ items) => {
          for (let index = 0; index < items.length; index += 1) add(foreign, /** @type {ClipboardItem} */ (items[index]));
          resolve(items);
        }, reject);
      });
    },
  }).read);
  replace(window.ClipboardItem, 'getType', (native) => ({
    getType(/** @type {string} */ type) {
      const blob = applyTo(native, this, [type]);
      if (!has(foreign, this)) return blob;
      return new NativePromise((resolve, reject) => {
        then(blob, (/** @type {Blob} */ original) => {
          then(cloaked(asFile(original)), resolve, reject);
        }, reject);
      });
    },
  }).getType);

  // Handles of the person's files that a page has: other contexts, as workers, have a getFile of their own.
  let metAny = false;
  /** Windows that this page opened, which may hold workers too. @type {Window[]} */
  const opened = [];
  const frameCount = getter({ prototype: window }, 'length');
  const parentOf = getter({ prototype: window }, 'parent');
  const openerOf = getter({ prototype: window }, 'opener');
  const NativeEvent = Event;

  const around = [parentOf(window), openerOf(window)];

  /** @type {(view: any, asks: boolean) => boolean} whether handles are known of there */
  const tell = (view, asks) => {
    try {
      // One that knows already says so, whether it is told or asked.
      return view && view !== window ? !dispatch(view, new NativeEvent(asks ? 'cloakroom-asked' : 'cloakroom-met', /** @type {any} */ ({ __proto__: null, cancelable: true }))) : false;
    } catch {
      // Of another origin: nothing that is posted there can be read as a handle.
      return false;
    }
  };

  /** Every window that can be reached from this one hears of it at once, and those that it can reach. */
  const met = () => {
    if (metAny) return;
    metAny = true;
    for (let index = 0; index < around.length; index += 1) tell(around[index], false);
    for (let index = 0; index < frameCount(window); index += 1) tell(window[index], false);
    for (let index = 0; index < opened.length; index += 1) tell(opened[index], false);
  };
  /** Two windows may each have opened the other. */
  let isAsking = false;
  // A frame in a shadow tree is told by nobody.
  const anyMet = () => {
    if (metAny || isAsking) return metAny;
    isAsking = true;
    metAny = tell(around[0], true) || tell(around[1], true);
    isAsking = false;
    return metAny;
  };

  /** @param {Event} event */
  const onMet = (event) => {
    stop(event);
    met();
  };
  /** @param {Event} event */
  const onAsked = (event) => {
    stop(event);
    if (anyMet()) preventDefault(event);
  };

  for (const name of ['showOpenFilePicker', 'showSaveFilePicker', 'showDirectoryPicker']) {
    replace({ prototype: window }, name, (native) => ({
      picker(/** @type {unknown[]} */ ...values) {
        met();
        return applyTo(native, this ?? window, values);
      },
    }).picker);
  }

  // One that was stored before needs the person's leave again.
  for (const name of ['queryPermission', 'requestPermission']) {
    replace(window.FileSystemHandle, name, (native) => ({
      permission(/** @type {unknown[]} */ ...values) {
        met();
        return applyTo(native, this, values);
      },
    }).permission);
  }

  // Files that the person opens with an installed page.
  replace(window.LaunchQueue, 'setConsumer', (native) => ({
    setConsumer(/** @type {unknown[]} */ ...values) {
      met();
      return applyTo(native, this, values);
    },
  }).setConsumer);

  Object.assign(window.cloakroom, {
    cloaked,
    known,
    handles: {
      met,
      anyMet,
      opens: (/** @type {Window} */ view) => { push(opened, view); },
      /** @param {EventTarget} view */
      listen(view) {
        addEventListener(view, 'cloakroom-met', onMet, true);
        addEventListener(view, 'cloakroom-asked', onAsked, true);
      },
    },
  });
})();
