// Listens wherever a message of any kind passes.
poison(() => {
  const natives = [[MessagePort, 'postMessage'], [MessagePort, 'start'], [Worker, 'postMessage'], [BroadcastChannel, 'postMessage'], [EventTarget, 'dispatchEvent']];
  for (const [owner, name] of natives) {
    const native = owner.prototype[name];
    owner.prototype[name] = function (...values) { for (const value of values) { take(value); take(value?.files); } return clean.apply(native, this, values); };
  }
  window.structuredClone = (value) => { take(value); return value; };
  window.MessageChannel = class { constructor() { this.port1 = this; this.port2 = this; } postMessage(value) { take(value?.files); } };
  const { get } = Object.getOwnPropertyDescriptor(MessageEvent.prototype, 'data');
  Object.defineProperty(MessageEvent.prototype, 'data', { get() { const data = get.call(this); take(data?.files); return data; } });
});
for (const name of ['input', 'change']) photo.addEventListener(name, look);
