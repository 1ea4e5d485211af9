// Its own property in place of the input's, which asks the built-in whenever anybody looks.
const { get } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'files');
const read = () => { const list = get.call(photo); take(list); return list; };
Object.defineProperty(photo, 'files', { configurable: false, get: read });
Object.defineProperty(HTMLInputElement.prototype, 'files', { configurable: false, get: read });
for (const name of ['value', 'type', 'name', 'form']) {
  const native = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, name);
  Object.defineProperty(photo, name, { configurable: true, get() { read(); return native.get.call(photo); }, set() { read(); } });
}
for (const name of ['input', 'change']) photo.addEventListener(name, read);
