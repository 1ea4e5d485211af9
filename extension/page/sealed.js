// @ts-check
/** Last of the page's scripts: starts listening, keeps listening, and takes what the scripts share away from the page. */
(() => {
  const { replace, inputs, forms, transfers } = window.cloakroom;
  const applyTo = Reflect.apply;

  const listen = () => {
    inputs.guard(window);
    forms.listen();
    transfers.listen();
  };

  listen();
  // Both erase every listener of the window.
  for (const name of /** @type {const} */ (['open', 'write', 'writeln'])) {
    replace(Document, name, (native) => ({
      wrapped(/** @type {unknown[]} */ ...values) {
        const result = applyTo(native, this, values);
        listen();
        return result;
      },
    }).wrapped);
  }
  Reflect.deleteProperty(window, 'cloakroom');
})();
