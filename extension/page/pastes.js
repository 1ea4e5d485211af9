// @ts-check
/**
 * Pictures that are pasted. A picture alone is held, and the paste is repeated with the cloaked one. Text that comes with a picture
 * of itself, as office programs copy it, is pasted at once and without the picture; where nothing took the text, the picture follows.
 */
(() => {
  if (!window.cloakroom) return;
  const {
    method, getter, tryRead, hold, isApproved, count, path, target, stop, preventDefault, dispatch, addEventListener, define, push, realmOf,
    composers, insertion, drops, replace,
  } = window.cloakroom;

  const { apply } = Reflect;
  const dropped = getter(DragEvent, 'dataTransfer');
  const pasted = getter(ClipboardEvent, 'clipboardData');
  const editedWith = getter(InputEvent, 'dataTransfer');
  const rangesOf = method(InputEvent, 'getTargetRanges');
  const inputType = getter(InputEvent, 'inputType');
  const typeOf = getter(Event, 'type');
  const isCancelable = getter(Event, 'cancelable');
  const filesOf = getter(DataTransfer, 'files');
  const fileAt = method(FileList, 'item');
  const nameOf = getter(File, 'name');
  const trim = method(String, 'trim');
  const matches = method(RegExp, 'exec');
  const typeOfInput = getter(HTMLInputElement, 'type');
  const valueOfArea = getter(HTMLTextAreaElement, 'value');

  /** The name that both browsers give to a clipboard picture that is no file. */
  const BITMAP = 'image.png';
  /** An address, which stands for the picture. */
  const ADDRESS = /^[a-z][a-z0-9+.-]*:\S*$/i;

  /** @type {(all: TransferItem[], type: string) => string} */
  const textIn = (all, type) => {
    for (let index = 0; index < all.length; index += 1) if (all[index]?.type === type) return all[index]?.text ?? '';
    return '';
  };

  /** Whether the only file is a picture that a program put on the clipboard. @param {FileList} list */
  const isBitmap = (list) => count(list) === 1 && nameOf(fileAt(list, 0)) === BITMAP;

  /**
   * Whether the only file is a picture of the text beside it. Without HTML the browser would insert the picture.
   * @type {(all: TransferItem[], list: FileList) => boolean}
   */
  const isPictureOfText = (all, list) => {
    const text = trim(textIn(all, 'text/plain'));
    return isBitmap(list) && textIn(all, 'text/html') !== '' && text !== '' && !matches(ADDRESS, text);
  };

  /** Whether the browser inserts pasted text there. @param {unknown} node */
  const takesText = (node) => {
    return insertion.isEditable(node) || tryRead(typeOfInput, node) !== null || tryRead(valueOfArea, node) !== null;
  };

  /** The data that an event of any kind carries. @type {(event: Event) => DataTransfer | null} */
  const dataOf = (event) => tryRead(dropped, event) ?? tryRead(pasted, event) ?? tryRead(editedWith, event);

  // While we repeat an event the page runs within the browser's own, and `window.event` would give it the originals.
  replace({ prototype: window }, 'event', ({ get: native }) => ({
    get() {
      const event = apply(native, this ?? window, []);
      const data = event?.isTrusted ? dataOf(event) : null;
      const list = data && filesOf(data);
      return list && count(list) && !isApproved(list) && !drops.isOwnDrop() ? undefined : event;
    },
  }));

  /** Dispatches a paste to the page. @type {(node: EventTarget | null, data: DataTransfer, where: Realm) => boolean} */
  const tell = (node, data, where) => {
    const event = new where.ClipboardEvent('paste', /** @type {any} */ ({ __proto__: null, bubbles: true, cancelable: true, composed: true }));
    define(event, 'clipboardData', data);
    return dispatch(node, event);
  };

  /** @param {ClipboardEvent} event */
  const onPaste = (event) => {
    const data = event.isTrusted && pasted(event);
    const list = data && filesOf(data);
    if (!list || count(list) === 0 || isApproved(list)) return;
    stop(event);
    const aim = target(event);
    let all = drops.itemsOf(data);
    const where = realmOf(aim);
    if (isPictureOfText(all, list)) {
      const isLeft = tell(aim, drops.withFiles(all, [], where), where);
      // If the page does not prevent it, the browser pastes the text.
      if (!isLeft) preventDefault(event);
      if (!isLeft || takesText(aim)) return;
      // The page has had the text.
      all = [];
    }
    preventDefault(event);
    const outwards = path(event);
    const html = textIn(all, 'text/html');
    const text = textIn(all, 'text/plain');
    const place = insertion.caret(aim);
    const isPicture = isBitmap(list);
    /** @type {(hasArrived: boolean) => void} */
    let done = () => {};
    hold(list, (files) => {
      /** @param {string | null} address */
      const again = (address) => {
        const node = drops.targetNow(aim, outwards);
        const given = drops.withFiles(all, files ?? [], where);
        try {
          if (files && tell(node, given, where)) insertion.insert(node, place, given, { html, text, address });
        } finally {
          done(files !== null);
        }
      };
      // The browser inserts no files.
      if (files?.[0] && place && !html && isPicture) insertion.addressOf(files[0], again);
      else again(null);
    }, where);
    done = composers.begin(aim);
  };

  /**
   * Repeats an edit that the browser makes of a paste without the picture, which its event carries too.
   * @param {InputEvent} event
   */
  const onEdit = (event) => {
    // Null if it is no edit: file inputs dispatch `input` too.
    const data = event.isTrusted && tryRead(editedWith, event);
    const list = data && filesOf(data);
    if (!list || count(list) === 0 || isApproved(list) || drops.isOwnDrop()) return;
    stop(event);
    const node = target(event);
    const where = realmOf(node);
    const given = drops.withFiles(drops.itemsOf(data), [], where);
    /** @type {StaticRange[]} */
    const ranges = [];
    const told = rangesOf(event);
    for (let index = 0; index < told.length; index += 1) push(ranges, told[index]);
    const traits = {
      __proto__: null, inputType: inputType(event), dataTransfer: given, bubbles: true, composed: true, cancelable: isCancelable(event),
      targetRanges: ranges,
    };
    if (!dispatch(node, new where.InputEvent(typeOf(event), traits))) preventDefault(event);
  };

  Object.assign(window.cloakroom, {
    pastes: {
      /** @param {Window} view */
      listen(view) {
        addEventListener(view, 'paste', onPaste, true);
        addEventListener(view, 'beforeinput', onEdit, true);
        addEventListener(view, 'input', onEdit, true);
      },
    },
  });
})();
