// @ts-check
/**
 * Links and forms with a javascript: address that name another window. There it would run before our scripts, so it runs in this
 * window instead.
 */
(() => {
  if (!window.cloakroom) return;
  const { method, getter, replace, tryRead, path, addEventListener, target } = window.cloakroom;
  const { apply } = Reflect;
  const protocolOfLink = getter(HTMLAnchorElement, 'protocol');
  const protocolOfArea = getter(HTMLAreaElement, 'protocol');
  const vectorOf = getter(window.SVGAElement, 'href');
  const textOf = getter(window.SVGAnimatedString, 'baseVal');
  const submitterOf = getter(SubmitEvent, 'submitter');
  const attribute = method(Element, 'getAttribute');
  const setAttribute = method(Element, 'setAttribute');
  const typeOf = getter(Event, 'type');
  // `test` would ask the page's own `exec`.
  const isScript = method(RegExp, 'exec');
  /** Browsers ignore line breaks within the scheme, and spaces before it. */
  const SCRIPT = /^[\0-\x20]*j[\t\n\r]*a[\t\n\r]*v[\t\n\r]*a[\t\n\r]*s[\t\n\r]*c[\t\n\r]*r[\t\n\r]*i[\t\n\r]*p[\t\n\r]*t[\t\n\r]*:/i;

  /** @param {unknown} node */
  const tame = (node) => {
    const protocol = tryRead(protocolOfLink, node) ?? tryRead(protocolOfArea, node);
    const vector = protocol === null ? tryRead(vectorOf, node) : null;
    // Set in any case, as the document's `base` may name another window.
    if (protocol === 'javascript:' || (vector && isScript(SCRIPT, textOf(vector)))) setAttribute(node, 'target', '_self');
  };

  /** Heard before the page, which may stop the event. @param {Event} event */
  const onClick = (event) => {
    const outwards = path(event);
    for (let index = 0; index < outwards.length; index += 1) tame(outwards[index]);
  };

  /** @type {(form: any, button: any) => void} */
  const tameForm = (form, button) => {
    const action = (button && tryRead(actionOfButton, button)) || tryRead(actionOf, form);
    if (typeof action !== 'string' || !isScript(SCRIPT, action)) return;
    setAttribute(form, 'target', '_self');
    if (button && attribute(button, 'formtarget') !== null) setAttribute(button, 'formtarget', '_self');
  };
  const actionOf = (/** @type {any} */ form) => attribute(form, 'action');
  const actionOfButton = (/** @type {any} */ button) => attribute(button, 'formaction');

  /** @param {SubmitEvent} event */
  const onSubmit = (event) => { tameForm(target(event), tryRead(submitterOf, event)); };

  replace(HTMLFormElement, 'submit', (native) => ({
    submit() {
      tameForm(this, null);
      return apply(native, this, []);
    },
  }).submit);
  // A link outside the document works too.
  replace(HTMLElement, 'click', (native) => ({
    click() {
      tame(this);
      return apply(native, this, []);
    },
  }).click);
  replace(EventTarget, 'dispatchEvent', (native) => ({
    dispatchEvent(/** @type {unknown[]} */ ...values) {
      if (tryRead(typeOf, values[0]) === 'click') tame(this);
      return apply(native, this, values);
    },
  }).dispatchEvent);

  Object.assign(window.cloakroom, {
    links: {
      /** @param {EventTarget} node */
      listen(node) {
        addEventListener(node, 'click', onClick, true);
        addEventListener(node, 'submit', onSubmit, true);
      },
    },
  });
})();
