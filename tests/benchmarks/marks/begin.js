/**
 * First of an extension's scripts in a world: when they begin, and when a person's pick reaches the page. Each world has marks of
 * its own, in Chromium at least, and tells them when asked.
 */
(() => {
  performance.mark('begin');
  window.addEventListener('input', () => { performance.mark('picked'); }, { capture: true, once: true });
  window.addEventListener('marks-asked', () => {
    const marks = performance.getEntriesByType('mark').map(({ name, startTime }) => [name, startTime]);
    window.dispatchEvent(new CustomEvent('marks-told', { detail: JSON.stringify(marks) }));
  });
})();
