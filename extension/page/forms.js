// @ts-check
/** Forms: one that is sent while a photo of it is held waits for the photo. */
(() => {
  if (!window.cloakroom) return;
  const { method, getter, replace, tryRead, isFileInput, target, stop, preventDefault, addEventListener, inputs, composers } = window.cloakroom;

  const get = method(WeakMap, 'get');
  const set = method(WeakMap, 'set');
  const remove = method(WeakMap, 'delete');
  const elementsOf = getter(HTMLFormElement, 'elements');
  const elementCount = getter(HTMLCollection, 'length');
  const elementAt = method(HTMLCollection, 'item');
  const requestSubmit = method(HTMLFormElement, 'requestSubmit');
  const formOf = getter(HTMLInputElement, 'form');
  const submitterOf = getter(SubmitEvent, 'submitter');
  const formDataOf = getter(FormDataEvent, 'formData');
  const deleteEntry = method(FormData, 'delete');
  const appendEntry = method(FormData, 'append');
  const NativeFile = File;
  const nameOf = getter(HTMLInputElement, 'name');
  const closest = method(Element, 'closest');
  const later = window.setTimeout.bind(window);
  const { apply, construct } = Reflect;

  /** The function that sends each waiting form once its photos are there. @type {WeakMap<HTMLFormElement, () => void>} */
  const waiting = new WeakMap();
  /** The button being pressed, which tells a submission from a mere checkValidity(). @type {Element | null} */
  let pressed = null;

  /** @type {(form: HTMLFormElement, each: (input: HTMLInputElement) => void) => void} */
  const eachFileInput = (form, each) => {
    const elements = elementsOf(form);
    for (let index = 0; index < elementCount(elements); index += 1) {
      const element = elementAt(elements, index);
      if (isFileInput(element)) each(element);
    }
  };

  /** Whether the form has to wait. Seizes what is not approved. @param {HTMLFormElement} form */
  const mustWait = (form) => {
    let wait = false;
    eachFileInput(form, (input) => {
      if (inputs.check(input)) wait = true;
    });
    return wait || composers.isPending(form);
  };

  /** @param {SubmitEvent} event */
  const onSubmit = (event) => {
    const form = target(event);
    // Null if it is no form: a page may dispatch any event.
    if (!tryRead(mustWait, form)) return;
    stop(event);
    preventDefault(event);
    const submitter = submitterOf(event);
    set(waiting, form, () => requestSubmit(form, submitter));
  };

  /** A required input that is held looks empty to the browser, and blocks its form. @param {Event} event */
  const onInvalid = (event) => {
    const input = target(event);
    if (!isFileInput(input) || !inputs.isHeld(input)) return;
    stop(event);
    preventDefault(event);
    const form = formOf(input);
    const submitter = pressed;
    if (form && submitter) set(waiting, form, () => requestSubmit(form, submitter));
  };

  /** @param {Event} event */
  const onClick = (event) => {
    pressed = event.isTrusted ? tryRead((node) => closest(node, 'button:not([type=button]), input[type=submit], input[type=image]'), target(event)) : null;
    if (pressed) later(() => { pressed = null; }, 0);
  };

  /** Removes what is not approved from entries that are built already. @param {FormDataEvent} event */
  const onFormData = (event) => {
    try {
      eachFileInput(target(event), (input) => {
        if (inputs.isClean(input)) return;
        inputs.check(input);
        const data = formDataOf(event);
        const name = nameOf(input);
        deleteEntry(data, name);
        // As the browser sends an empty input.
        appendEntry(data, name, new NativeFile([], '', { type: 'application/octet-stream' }));
      });
    } catch {
      // Not a form, or not a form's event.
    }
  };

  replace(HTMLFormElement, 'submit', (native) => ({
    /** @this {HTMLFormElement} */
    submit() {
      if (!mustWait(this)) return apply(native, this, []);
      return set(waiting, this, () => apply(native, this, [])) && undefined;
    },
  }).submit);

  // Events of a form in a shadow root that the page declared in its markup are not heard.
  replace(HTMLFormElement, 'requestSubmit', (native) => ({
    /** @this {HTMLFormElement} */
    requestSubmit(/** @type {unknown[]} */ ...values) {
      if (mustWait(this)) set(waiting, this, () => apply(native, this, values));
      else apply(native, this, values);
    },
  }).requestSubmit);

  // Events of a form outside the document are not heard, and in the document a photo may not be seized yet. The handler inherits
  // from nothing: a trap that a page put on Object.prototype would be given the native constructor.
  const CheckedFormData = new Proxy(FormData, /** @type {ProxyHandler<typeof FormData>} */ ({
    __proto__: null,
    construct(native, values, newTarget) {
      try {
        eachFileInput(values[0], inputs.check);
      } catch {
        // Not from a form.
      }
      return construct(native, values, newTarget);
    },
  }));
  replace(FormData, 'constructor', () => CheckedFormData);
  replace({ prototype: window }, 'FormData', () => CheckedFormData);

  /** @type {(form: HTMLFormElement | null, hasArrived: boolean) => void} */
  const goOn = (form, hasArrived) => {
    const send = form && get(waiting, form);
    if (!send || hasArrived && mustWait(form)) return;
    remove(waiting, form);
    // A person who cancels a photo does not want the form sent without it.
    if (hasArrived) send();
  };
  inputs.whenSettled((input, files) => { goOn(formOf(input), files !== null); });
  composers.whenSettled(goOn);

  Object.assign(window.cloakroom, {
    forms: {
      /** Hears every form below a node. @param {EventTarget} node */
      listen(node) {
        addEventListener(node, 'submit', onSubmit, true);
        addEventListener(node, 'invalid', onInvalid, true);
        addEventListener(node, 'click', onClick, true);
        addEventListener(node, 'formdata', onFormData, true);
      },
    },
  });
})();
