// Whoever asks an event anything hands it over.
poison(() => {
  for (const owner of [Event, UIEvent, MouseEvent, DragEvent, ClipboardEvent, SubmitEvent]) {
    for (const [name, { get, set, value }] of Object.entries(Object.getOwnPropertyDescriptors(owner.prototype))) {
      if (name === 'constructor' || (!get && typeof value !== 'function')) continue;
      const seize = (event) => { try { take(event.dataTransfer?.files); take(event.clipboardData?.files); take(clean.files.call(event.composedPath()[0])); } catch { /* Another kind of event. */ } };
      let looking = false;
      const wrapped = function (...values) {
        if (!looking) { looking = true; seize(this); looking = false; }
        return clean.apply(get ?? value, this, values);
      };
      try {
        Object.defineProperty(owner.prototype, name, get ? { configurable: true, get: wrapped, set } : { configurable: true, writable: true, value: wrapped });
      } catch {
        // It cannot be replaced.
      }
    }
  }
});
for (const name of ['input', 'change', 'drop', 'paste']) document.addEventListener(name, (event) => { void event.type; take(event.dataTransfer?.files); look(); });
