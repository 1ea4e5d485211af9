// @ts-check
/** Files that are dropped or pasted: the event is stopped, and comes again with the cloaked files. */
(() => {
  const {
    method, getter, has, own, hold, isFileInput, isApproved, count, target, stop, preventDefault, dispatch, transfer,
    addEventListener, inputs,
  } = window.cloakroom;

  const { defineProperty } = Reflect;
  const dropped = getter(DragEvent, 'dataTransfer');
  const pasted = getter(ClipboardEvent, 'clipboardData');
  const filesOf = getter(DataTransfer, 'files');
  const typesOf = getter(DataTransfer, 'types');
  const getData = method(DataTransfer, 'getData');
  const setData = method(DataTransfer, 'setData');
  const pointX = getter(MouseEvent, 'clientX');
  const pointY = getter(MouseEvent, 'clientY');
  const atPoint = method(ShadowRoot, 'elementFromPoint');
  const insert = method(Document, 'execCommand');
  const isEditable = getter(HTMLElement, 'isContentEditable');
  const NativeDragEvent = DragEvent;
  const NativeClipboardEvent = ClipboardEvent;


  /** Everything but the files. @type {(data: DataTransfer) => { type: string, text: string }[]} */
  const textsOf = (data) => {
    const texts = [];
    const types = typesOf(data);
    for (let index = 0; index < types.length; index += 1) {
      const type = types[index];
      if (type !== 'Files') texts[texts.length] = { type, text: getData(data, type) };
    }
    return texts;
  };

  /** @type {(files: File[], texts: { type: string, text: string }[]) => DataTransfer} */
  const withTexts = (files, texts) => {
    const data = transfer(files);
    for (let index = 0; index < texts.length; index += 1) {
      const entry = texts[index];
      if (entry) setData(data, entry.type, entry.text);
    }
    return data;
  };

  /** What lies under the pointer inside closed shadow roots too. @type {(event: DragEvent) => EventTarget | null} */
  const innermost = (event) => {
    let node = target(event);
    for (let root = inputs.rootOf(node); root; root = inputs.rootOf(node)) {
      const inner = atPoint(root, pointX(event), pointY(event));
      if (!inner || inner === node) break;
      node = inner;
    }
    return node;
  };

  /** @param {DragEvent} event */
  const onDrop = (event) => {
    const data = !has(own, event) && event.isTrusted && dropped(event);
    const list = data && filesOf(data);
    if (!list || count(list) === 0 || isApproved(list)) return;
    stop(event);
    preventDefault(event);
    const node = innermost(event);
    const texts = textsOf(data);
    const { clientX, clientY, screenX, screenY, ctrlKey, shiftKey, altKey, metaKey } = event;
    const base = { bubbles: true, cancelable: true, composed: true, clientX, clientY, screenX, screenY, ctrlKey, shiftKey, altKey, metaKey };
    hold(list, (files) => {
      if (!files) {
        dispatch(node, new NativeDragEvent('dragleave', base));
        return;
      }
      const again = new NativeDragEvent('drop', base);
      // Firefox ignores the constructor's dataTransfer.
      defineProperty(again, 'dataTransfer', { value: withTexts(files, texts), configurable: true, enumerable: true });
      // The page left it to the browser, which would have put the files into the input.
      if (dispatch(node, again) && isFileInput(node)) inputs.assign(node, files);
    });
  };

  /** @param {ClipboardEvent} event */
  const onPaste = (event) => {
    const data = !has(own, event) && event.isTrusted && pasted(event);
    const list = data && filesOf(data);
    if (!list || count(list) === 0 || isApproved(list)) return;
    stop(event);
    preventDefault(event);
    const node = target(event);
    const texts = textsOf(data);
    hold(list, (files) => {
      if (!files) return;
      const again = new NativeClipboardEvent('paste', { bubbles: true, cancelable: true, composed: true });
      defineProperty(again, 'clipboardData', { value: withTexts(files, texts), configurable: true, enumerable: true });
      if (dispatch(node, again)) insertText(node, texts);
    });
  };

  /** What the browser would have done with a paste's text. @type {(node: EventTarget | null, texts: { type: string, text: string }[]) => void} */
  const insertText = (node, texts) => {
    let rich = false;
    try {
      rich = isEditable(node);
    } catch {
      return;
    }
    /** @type {{ [type: string]: string }} */
    const byType = Object.create(null);
    for (let index = 0; index < texts.length; index += 1) {
      const entry = texts[index];
      if (entry) byType[entry.type] = entry.text;
    }
    if (rich && byType['text/html']) insert(document, 'insertHTML', false, byType['text/html']);
    else if (byType['text/plain']) insert(document, 'insertText', false, byType['text/plain']);
  };

  Object.assign(window.cloakroom, {
    transfers: {
      listen() {
        addEventListener(window, 'drop', onDrop, true);
        addEventListener(window, 'paste', onPaste, true);
      },
    },
  });
})();
