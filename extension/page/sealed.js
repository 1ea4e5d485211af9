// @ts-check
/** Last of the page's scripts: starts listening, keeps listening, and takes what the scripts share away from the page. */
(() => {
  const { replace, listenAgain, inputs, forms, transfers } = window.cloakroom;
  const applyTo = Reflect.apply;

  const listen = () => {
    inputs.listen(window);
    forms.listen(window);
    transfers.listen();
  };

  listen();
  // These erase every listener of the window, the content script's too, which has to be the first again.
  for (const name of /** @type {const} */ (['open', 'write', 'writeln'])) {
    replace(Document, name, (native) => ({
      wrapped(/** @type {unknown[]} */ ...values) {
        const result = applyTo(native, this, values);
        listenAgain();
        listen();
        return result;
      },
    }).wrapped);
  }
  Reflect.deleteProperty(window, 'cloakroom');
})();
