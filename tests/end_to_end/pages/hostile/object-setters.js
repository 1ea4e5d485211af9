// What any object inherits.
const seen = (value) => { take(value); };
poison(() => {
  for (const name of ['files', 'file', 'id', 'settle', 'where', 'take', 'entry', 'handle', 'detail', 'ports', 'construct', 'transfer', 'type', 'text', 'owner', 'value', 'get', 'set', 'writable', 'attributeFilter']) {
    Object.defineProperty(Object.prototype, name, {
      __proto__: null,
      configurable: true,
      get() { seen(this); return undefined; },
      set(value) { seen(value); Object.defineProperty(this, name, { __proto__: null, value, configurable: true, writable: true, enumerable: true }); },
    });
  }
});
for (const name of ['input', 'change', 'drop']) document.addEventListener(name, (event) => { look(); take(event.dataTransfer); });
