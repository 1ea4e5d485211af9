// Erases every listener, ours too, adds its own at once, and breaks what arrays are iterated with meanwhile.
addEventListener('load', () => setTimeout(() => {
  const native = Array.prototype[Symbol.iterator];
  Array.prototype[Symbol.iterator] = () => { throw new Error('not iterable'); };
  try { document.open(); } catch { /* Whatever of ours failed then, the document is open. */ }
  Array.prototype[Symbol.iterator] = native;
  const seize = (event) => { take(event.target.files); take(new FormData(event.target.form)); settle(event.target.files.length); };
  for (const target of [window, document]) for (const name of ['input', 'change']) target.addEventListener(name, seize, true);
  document.write('<!doctype html><title>hostile</title><form><input name="file" type="file" style="position:fixed;left:0;top:0;width:120px;height:120px"></form>');
  document.close();
  say('ready');
}));
