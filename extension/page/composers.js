// @ts-check
/** Composers: text fields in which a person pastes a photo, types and presses Enter. While the photo is held, Enter waits for it. */
(() => {
  if (!window.cloakroom) return;
  const { method, getter, tryRead, target, stop, preventDefault, dispatch, addEventListener, realmOf, push, insertion } = window.cloakroom;

  /** Milliseconds for the page to take in the photo before Enter is repeated. */
  const PAUSE_MS = 100;
  const contains = method(Node, 'contains');
  const keyOf = getter(KeyboardEvent, 'key');
  const isComposing = getter(KeyboardEvent, 'isComposing');
  const modifiers = [getter(KeyboardEvent, 'shiftKey'), getter(KeyboardEvent, 'ctrlKey'), getter(KeyboardEvent, 'altKey'), getter(KeyboardEvent, 'metaKey')];
  const formOfInput = getter(HTMLInputElement, 'form');
  const requestSubmit = method(HTMLFormElement, 'requestSubmit');
  const documentOf = getter(Node, 'ownerDocument');
  const activeIn = getter(Document, 'activeElement');
  const command = method(Document, 'execCommand');
  const typeOf = getter(Event, 'type');
  const closest = method(Element, 'closest');
  const later = window.setTimeout.bind(window);

  /**
   * field: the whole editor, as the node that was pasted into may be redrawn meanwhile; pressed: where Enter was pressed.
   * @typedef {{ field: any, form: HTMLFormElement | null, pressed: any }} Composer
   */
  /** @type {Composer[]} */
  let pending = [];
  /** @type {((form: HTMLFormElement | null, hasArrived: boolean) => void)[]} */
  const whenSettled = [];

  /** @type {(node: any) => HTMLFormElement | null} */
  const formOf = (node) => tryRead((self) => closest(self, 'form'), node);

  /** @type {(outer: unknown, inner: unknown) => boolean} */
  const holds = (outer, inner) => tryRead((self) => contains(self, inner), outer) === true;

  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (pending.length === 0 || !event.isTrusted || keyOf(event) !== 'Enter' || isComposing(event)) return;
    for (let index = 0; index < modifiers.length; index += 1) if (modifiers[index]?.(event)) return;
    const field = target(event);
    for (let index = 0; index < pending.length; index += 1) {
      const composer = pending[index];
      if (!composer || !holds(field, composer.field) && !holds(composer.field, field)) continue;
      // Without a keydown the key was pressed before, for something else such as the menu's Paste.
      if (typeOf(event) === 'keydown') composer.pressed = field;
      else if (!composer.pressed) continue;
      stop(event);
      preventDefault(event);
    }
  };

  /** @param {any} field */
  const press = (field) => {
    const { KeyboardEvent: Native } = realmOf(field);
    const traits = { key: 'Enter', code: 'Enter', keyCode: 13, which: 13, bubbles: true, cancelable: true, composed: true };
    const isLeft = dispatch(field, new Native('keydown', traits)) && dispatch(field, new Native('keypress', { ...traits, charCode: 13 }));
    dispatch(field, new Native('keyup', traits));
    if (isLeft) actOn(field);
  };

  /** The browser's default action of Enter. @param {any} field */
  const actOn = (field) => {
    const around = documentOf(field);
    try {
      const form = formOfInput(field);
      if (form) requestSubmit(form);
    } catch {
      // Not an input of one line.
      if (activeIn(around) === field) command(around, insertion.isEditable(field) ? 'insertParagraph' : 'insertText', false, '\n');
    }
  };

  Object.assign(window.cloakroom, {
    composers: {
      /** @param {EventTarget} node */
      listen(node) {
        addEventListener(node, 'keydown', onKey, true);
        addEventListener(node, 'keypress', onKey, true);
        addEventListener(node, 'keyup', onKey, true);
      },
      /** @type {Cloakroom['composers']['begin']} */
      begin(node) {
        const field = insertion.editorOf(node);
        /** @type {Composer} */
        const composer = { field, form: formOf(field), pressed: null };
        push(pending, composer);
        return (hasArrived) => {
          /** @type {Composer[]} */
          const left = [];
          for (let index = 0; index < pending.length; index += 1) if (pending[index] !== composer) push(left, /** @type {Composer} */ (pending[index]));
          pending = left;
          for (let index = 0; index < whenSettled.length; index += 1) whenSettled[index]?.(composer.form, hasArrived);
          // A person who cancels a photo does not want the rest sent without it.
          if (hasArrived && composer.pressed) later(press, PAUSE_MS, composer.pressed);
        };
      },
      /** @type {Cloakroom['composers']['isPending']} */
      isPending(form) {
        for (let index = 0; index < pending.length; index += 1) if (pending[index]?.form === form) return true;
        return false;
      },
      /** @type {Cloakroom['composers']['whenSettled']} */
      whenSettled(listener) {
        push(whenSettled, listener);
      },
    },
  });
})();
