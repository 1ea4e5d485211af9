// @ts-check
/** Shadow roots. Most events of a form end at its root, and below a closed one nobody sees from outside: each root is heard itself. */
(() => {
  if (!window.cloakroom) return;
  const { method, getter, replace, asked, whenShown, inputs, forms, links } = window.cloakroom;

  const get = method(WeakMap, 'get');
  const set = method(WeakMap, 'set');
  const rootOf = method(Node, 'getRootNode');
  const hostOf = getter(ShadowRoot, 'host');
  const submitterOf = getter(SubmitEvent, 'submitter');
  const applyTo = Reflect.apply;

  /** The root of each host, so that a drop finds what lies below. @type {WeakMap<Element, ShadowRoot>} */
  const roots = new WeakMap();

  /** @type {(host: Element, root: ShadowRoot) => void} */
  const listen = (host, root) => {
    set(roots, host, root);
    inputs.listen(root);
    forms.listen(root);
    links.listen(root);
  };

  /** Every root that a node lies in, up to the document, which has no host. @param {Node} node */
  const listenAround = (node) => {
    const root = rootOf(node);
    const host = asked(hostOf, root);
    if (!host) return;
    listen(host, root);
    listenAround(host);
  };

  replace(Element, 'attachShadow', (native) => ({
    /** @this {Element} */
    attachShadow(/** @type {unknown[]} */ ...values) {
      const root = applyTo(native, this, values);
      listen(this, root);
      return root;
    },
  }).attachShadow);

  // A root that the page declared in its markup was never attached by a call. The content script sees into it, and shows each
  // file input that it finds there before the page hears of the event.
  whenShown((event) => {
    const input = submitterOf(event);
    listenAround(input);
    inputs.guard(input);
    inputs.check(input);
  });

  Object.assign(window.cloakroom, {
    roots: { of: (/** @type {Element} */ host) => get(roots, host) },
  });
})();
