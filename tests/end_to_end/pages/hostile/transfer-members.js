// Replaces what makes and fills a transfer.
poison(() => {
  for (const owner of [DataTransfer, DataTransferItemList, DataTransferItem]) {
    for (const [name, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(owner.prototype))) {
      if (name === 'constructor' || (!get && typeof value !== 'function')) continue;
      const wrapped = function (...values) {
        const result = clean.apply(get ?? value, this, values);
        for (const thing of [...values, result]) take(thing);
        return result;
      };
      Object.defineProperty(owner.prototype, name, get ? { configurable: true, get: wrapped } : { configurable: true, value: wrapped });
    }
  }
  window.DataTransfer = class extends DataTransfer { constructor() { super(); take(this); } };
});
addEventListener('drop', (event) => { event.preventDefault(); void event.dataTransfer.files; });
