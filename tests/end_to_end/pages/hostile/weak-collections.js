// Sees every key and value of every collection, and calls each file known.
poison(() => {
  for (const owner of [WeakMap, WeakSet, Map, Set]) {
    for (const name of ['get', 'set', 'has', 'add', 'delete']) {
      const native = owner.prototype[name];
      if (!native) continue;
      owner.prototype[name] = function (...values) {
        for (const value of values) { take(value); take(value?.files); }
        const result = clean.apply(native, this, values);
        return name === 'has' ? true : result;
      };
    }
  }
});
for (const name of ['input', 'change']) photo.addEventListener(name, look);
