// @ts-check
/**
 * Pictures that are pasted. A picture by itself is held, and the paste comes again with the cloaked one. Words that come with a
 * picture of themselves, as office programs copy them, are pasted at once. Their picture is left out, but where nothing took the
 * words: there it follows by itself.
 */
(() => {
  if (!window.cloakroom) return;
  const {
    method, getter, hold, isApproved, count, path, target, stop, preventDefault, dispatch, addEventListener, define, push, realmOf,
    composers, insertion, transfers, replace,
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

  /** The name that both browsers give to a picture on the clipboard that is no file. */
  const BITMAP = 'image.png';
  /** An address, which stands for the picture and is no text about it. */
  const ADDRESS = /^[a-z][a-z0-9+.-]*:\S*$/i;

  /** @type {(all: TransferItem[], type: string) => string} */
  const textIn = (all, type) => {
    for (let index = 0; index < all.length; index += 1) if (all[index]?.type === type) return all[index]?.text ?? '';
    return '';
  };

  /** Whether the files are a picture that is no file, as programs put it on the clipboard. @param {FileList} list */
  const isBitmap = (list) => count(list) === 1 && nameOf(fileAt(list, 0)) === BITMAP;

  /**
   * Whether the files are but a picture of the text beside them. Without HTML the browser itself would put in the picture.
   * @type {(all: TransferItem[], list: FileList) => boolean}
   */
  const isPictureOfText = (all, list) => {
    const text = trim(textIn(all, 'text/plain'));
    return isBitmap(list) && textIn(all, 'text/html') !== '' && text !== '' && !matches(ADDRESS, text);
  };

  /** Whether the browser itself puts text in there. @param {unknown} node */
  const takesText = (node) => {
    return insertion.isEditable(node) || is(typeOfInput, node) || is(valueOfArea, node);
  };
  /** Whether a getter takes a node as one of its kind. @type {(read: (node: unknown) => unknown, node: unknown) => boolean} */
  const is = (read, node) => {
    try {
      read(node);
      return true;
    } catch {
      return false;
    }
  };

  /** What an event of any kind brings. @type {(event: Event) => DataTransfer | null} */
  const broughtBy = (event) => (is(dropped, event) ? dropped(event) : is(pasted, event) ? pasted(event) : is(editedWith, event) ? editedWith(event) : null);

  // What the page does while we hand an event on, and right afterwards, still runs within the browser's own event, whose files
  // it would find here.
  replace({ prototype: window }, 'event', ({ get: native }) => ({
    get() {
      const event = apply(native, this ?? window, []);
      const data = event?.isTrusted ? broughtBy(event) : null;
      const list = data && filesOf(data);
      return list && count(list) && !isApproved(list) && !transfers.isOwnDrop() ? undefined : event;
    },
  }));

  /** The paste that a page hears of. @type {(node: EventTarget | null, data: DataTransfer, where: Realm) => boolean} */
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
    let all = transfers.itemsOf(data);
    const where = realmOf(aim);
    if (isPictureOfText(all, list)) {
      const isLeft = tell(aim, transfers.made(all, [], where), where);
      // What the page leaves to the browser the browser does, where it would have put the text.
      if (!isLeft) preventDefault(event);
      if (!isLeft || takesText(aim)) return;
      // The page has heard of the words.
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
        const node = transfers.present(aim, outwards);
        const given = transfers.made(all, files ?? [], where);
        try {
          if (files && tell(node, given, where)) insertion.insert(node, place, given, { html, text, address });
        } finally {
          done(files !== null);
        }
      };
      // A file that is no picture the browser does not put in.
      if (files?.[0] && place && !html && isPicture) insertion.addressOf(files[0], again);
      else again(null);
    }, where);
    done = composers.begin(aim);
  };

  /**
   * An edit that the browser makes of a paste: what it tells the page of it holds the picture as well.
   * @param {InputEvent} event
   */
  const onEdit = (event) => {
    let data;
    try {
      data = event.isTrusted && editedWith(event);
    } catch {
      return; // No edit: `input` is what file inputs tell, too.
    }
    const list = data && filesOf(data);
    if (!list || count(list) === 0 || isApproved(list) || transfers.isOwnDrop()) return;
    stop(event);
    const node = target(event);
    const where = realmOf(node);
    const given = transfers.made(transfers.itemsOf(data), [], where);
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
