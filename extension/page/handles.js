// @ts-check
/** Files that reach a page outside of events: through handles and the asynchronous clipboard. */
(() => {
  if (!window.cloakroom) return;
  const { method, replace, has, add, approved, hold, transfer, getter, define, dispatch, stop, preventDefault, addEventListener, push } = window.cloakroom;

  const { apply } = Reflect;
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
    // `then` reads the promise's constructor: a getter of the page's would be given the promise, and its value.
    define(promise, 'constructor', NativePromise);
    nativeThen(promise, done, failed);
  };

  /** @type {(blob: Blob) => File} */
  const asFile = (blob) => {
    // The File constructor would read the blob from an array, by an iterator that the page can replace.
    const data = new NativeFormData();
    append(data, 'file', blob, '');
    return entryOf(data, 'file');
  };

  /** Cloaked files by their original, handle or entry, so that several reads are one job. @type {WeakMap<object, Promise<File>>} */
  const cloakedFiles = new WeakMap();

  /** @type {(file: File) => Promise<File>} */
  const cloaked = (file) => {
    if (has(approved, file)) return new NativePromise((resolve) => resolve(file));
    const before = get(cloakedFiles, file);
    if (before) return before;
    const promise = new NativePromise((resolve, reject) => {
      hold(filesOf(transfer([file])), (files) => {
        if (files?.[0]) resolve(files[0]);
        else reject(new NativeError('The upload was cancelled.', 'AbortError'));
      });
    });
    set(cloakedFiles, file, promise);
    return promise;
  };

  /** Whether a handle lies in the page's own storage, where the page wrote the files. @type {(handle: object) => Promise<boolean>} */
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
        then(apply(native, handle, []), (/** @type {File} */ file) => {
          then(isOwn(handle), (/** @type {boolean} */ mine) => {
            const ready = get(cloakedFiles, handle);
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

  /** Clipboard items that the system gave, not the page. */
  const foreign = new WeakSet();
  replace(window.Clipboard, 'read', (native) => ({
    read(/** @type {unknown[]} */ ...values) {
      return new NativePromise((resolve, reject) => {
        then(apply(native, this, values), (/** @type {ClipboardItem[]} */ items) => {
          for (let index = 0; index < items.length; index += 1) add(foreign, /** @type {ClipboardItem} */ (items[index]));
          resolve(items);
        }, reject);
      });
    },
  }).read);
  replace(window.ClipboardItem, 'getType', (native) => ({
    getType(/** @type {string} */ type) {
      const blob = apply(native, this, [type]);
      if (!has(foreign, this)) return blob;
      return new NativePromise((resolve, reject) => {
        then(blob, (/** @type {Blob} */ original) => {
          then(cloaked(asFile(original)), resolve, reject);
        }, reject);
      });
    },
  }).getType);

  // Whether the page may have handles of the person's files: other contexts, such as workers, have their own getFile.
  let areAnyKnown = false;
  /** Windows that this page opened, which may have workers too. @type {Window[]} */
  const opened = [];
  const frameCount = getter({ prototype: window }, 'length');
  const parentOf = getter({ prototype: window }, 'parent');
  const openerOf = getter({ prototype: window }, 'opener');
  const NativeEvent = Event;

  const around = [parentOf(window), openerOf(window)];

  /** Tells another window, or asks it. @type {(view: any, asks: boolean) => boolean} whether handles are known there */
  const tell = (view, asks) => {
    try {
      // A window that knows already says so, whether it is told or asked.
      return view && view !== window ? !dispatch(view, new NativeEvent(asks ? 'cloakroom-asked' : 'cloakroom-met', /** @type {any} */ ({ __proto__: null, cancelable: true }))) : false;
    } catch {
      // Another origin, where a posted handle cannot be read.
      return false;
    }
  };

  /** Tells every window that can be reached from here at once, and through them all others. */
  const markKnown = () => {
    if (areAnyKnown) return;
    areAnyKnown = true;
    for (let index = 0; index < around.length; index += 1) tell(around[index], false);
    for (let index = 0; index < frameCount(window); index += 1) tell(window[index], false);
    for (let index = 0; index < opened.length; index += 1) tell(opened[index], false);
  };
  /** Ends the questions of two windows that opened each other. */
  let isAsking = false;
  // Asks, because no window tells a frame in a shadow tree.
  const areKnown = () => {
    if (areAnyKnown || isAsking) return areAnyKnown;
    isAsking = true;
    areAnyKnown = tell(around[0], true) || tell(around[1], true);
    isAsking = false;
    return areAnyKnown;
  };

  /** @param {Event} event */
  const onKnown = (event) => {
    stop(event);
    markKnown();
  };
  /** @param {Event} event */
  const onAsked = (event) => {
    stop(event);
    if (areKnown()) preventDefault(event);
  };

  for (const name of ['showOpenFilePicker', 'showSaveFilePicker', 'showDirectoryPicker']) {
    replace({ prototype: window }, name, (native) => ({
      picker(/** @type {unknown[]} */ ...values) {
        markKnown();
        return apply(native, this ?? window, values);
      },
    }).picker);
  }

  // A handle that was stored before needs the person's permission again.
  for (const name of ['queryPermission', 'requestPermission']) {
    replace(window.FileSystemHandle, name, (native) => ({
      permission(/** @type {unknown[]} */ ...values) {
        markKnown();
        return apply(native, this, values);
      },
    }).permission);
  }

  // Files that the person opens with an installed page.
  replace(window.LaunchQueue, 'setConsumer', (native) => ({
    setConsumer(/** @type {unknown[]} */ ...values) {
      markKnown();
      return apply(native, this, values);
    },
  }).setConsumer);

  Object.assign(window.cloakroom, {
    cloaked,
    cloakedFiles,
    handles: {
      markKnown,
      areKnown,
      addWindow: (/** @type {Window} */ view) => { push(opened, view); },
      /** @param {EventTarget} view */
      listen(view) {
        addEventListener(view, 'cloakroom-met', onKnown, true);
        addEventListener(view, 'cloakroom-asked', onAsked, true);
      },
    },
  });
})();
