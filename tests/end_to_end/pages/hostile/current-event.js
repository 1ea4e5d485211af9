// Whatever of the page's runs while the browser's own event lasts looks at that: microtasks, iterators, getters of options.
const lookAtEvent = () => {
  take(window.event?.dataTransfer);
  take(window.event?.clipboardData);
};
for (const name of ['drop', 'paste', 'beforeinput', 'input']) {
  addEventListener(name, lookAtEvent, true);
  addEventListener(name, () => { clean.apply(clean.then, clean.Promise.resolve(), [lookAtEvent]); }, true);
}
poison(() => {
  const native = Array.prototype[Symbol.iterator];
  Array.prototype[Symbol.iterator] = function iterate() {
    lookAtEvent();
    return clean.apply(native, this, []);
  };
  for (const name of ['view', 'detail', 'sourceCapabilities', 'get', 'set']) {
    Object.defineProperty(Object.prototype, name, { configurable: true, get() { lookAtEvent(); return undefined; }, set() {} });
  }
});
