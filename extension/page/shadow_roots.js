// @ts-check
/** Shadow roots: listens on each of them, as most events of a form end at its root, and closed ones hide their nodes. */
(() => {
  if (!window.cloakroom) return;
  const { method, getter, replace, tryRead, whenShown, inputs, forms, links } = window.cloakroom;

  const get = method(WeakMap, 'get');
  const set = method(WeakMap, 'set');
  const rootOf = method(Node, 'getRootNode');
  const hostOf = getter(ShadowRoot, 'host');
  const submitterOf = getter(SubmitEvent, 'submitter');
  const { apply } = Reflect;

  /** The root of each host, by which a drop finds its innermost target. @type {WeakMap<Element, ShadowRoot>} */
  const roots = new WeakMap();

  /** @type {(host: Element, root: ShadowRoot) => void} */
  const listen = (host, root) => {
    set(roots, host, root);
    inputs.listen(root);
    forms.listen(root);
    links.listen(root);
  };

  /** Listens on every root around a node, up to the document, which has no host. @param {Node} node */
  const listenAround = (node) => {
    const root = rootOf(node);
    const host = tryRead(hostOf, root);
    if (!host) return;
    listen(host, root);
    listenAround(host);
  };

  replace(Element, 'attachShadow', (native) => ({
    /** @this {Element} */
    attachShadow(/** @type {unknown[]} */ ...values) {
      const root = apply(native, this, values);
      listen(this, root);
      return root;
    },
  }).attachShadow);

  // No call attaches a root that the page declared in its markup. The content script shows each file input in it before the page
  // hears of the event.
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
