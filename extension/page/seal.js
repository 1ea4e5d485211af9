// @ts-check
/** Last of our scripts: starts listening, and hides from the page what they share. */
(() => {
  if (!window.cloakroom) return;
  window.cloakroom.windows.listen();
  window.cloakroom.seal();
  Reflect.deleteProperty(window, 'cloakroom');
})();
