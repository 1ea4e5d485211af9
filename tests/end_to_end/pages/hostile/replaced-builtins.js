// Replaces what a careless script would rely on.
poison(() => {
  WeakSet.prototype.has = () => true;
  WeakMap.prototype.get = WeakMap.prototype.has = () => undefined;
  Array.prototype[Symbol.iterator] = function* () {};
  Event.prototype.stopImmediatePropagation = Event.prototype.preventDefault = () => {};
  MessagePort.prototype.postMessage = function (message) { take(message?.files); };
});
for (const name of ['input', 'change']) photo.addEventListener(name, look);
