// Iterators, species and the lists' own methods.
poison(() => {
  for (const owner of [Array, FileList, NodeList, DataTransferItemList, Map, Set]) {
    const native = owner.prototype[Symbol.iterator];
    Object.defineProperty(owner.prototype, Symbol.iterator, { configurable: true, value() { take(this); return native.call(this); } });
  }
  for (const owner of [Array, Promise, Map, Set]) Object.defineProperty(owner, Symbol.species, { configurable: true, get() { return class extends owner { constructor(...values) { super(...values); take(this); } }; } });
  const item = FileList.prototype.item;
  FileList.prototype.item = function (index) { take(this); return item.call(this, index); };
  Object.defineProperty(FileList.prototype, 'length', { configurable: true, get() { return 1; } });
  Object.defineProperty(Symbol.prototype, Symbol.toPrimitive, { configurable: true, value() { return 'files'; } });
});
for (const name of ['input', 'change']) photo.addEventListener(name, () => { const list = clean.files.call(photo); take(list[0]); });
