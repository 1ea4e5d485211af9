// @ts-check
/** Last of the page's scripts: starts listening, and takes what the scripts share away from the page. */
(() => {
  if (!window.cloakroom) return;
  window.cloakroom.windows.listen();
  window.cloakroom.seal();
  Reflect.deleteProperty(window, 'cloakroom');
})();
