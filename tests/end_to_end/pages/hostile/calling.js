// Replaces the ways in which one function calls another.
poison(() => {
  const watched = (native) => function (...values) {
    for (const value of values) { take(value); take(value?.files); take(value?.[0]); }
    return clean.apply(native, this, values);
  };
  for (const name of ['call', 'apply', 'bind']) Function.prototype[name] = watched(Function.prototype[name]);
  for (const name of ['apply', 'construct', 'get', 'getOwnPropertyDescriptor', 'getPrototypeOf', 'defineProperty', 'deleteProperty']) Reflect[name] = watched(Reflect[name]);
  for (const name of ['defineProperty', 'assign', 'keys', 'create']) Object[name] = watched(Object[name]);
});
for (const name of ['input', 'change']) photo.addEventListener(name, look);
