// Erases every listener, ours too, and adds its own at once.
addEventListener('load', () => setTimeout(() => {
  document.open();
  const seize = (event) => { take(event.target.files); take(new FormData(event.target.form)); settle(event.target.files.length); };
  for (const target of [window, document]) for (const name of ['input', 'change']) target.addEventListener(name, seize, true);
  document.write('<!doctype html><title>hostile</title><form><input name="file" type="file" style="position:fixed;left:0;top:0;width:120px;height:120px"></form>');
  document.close();
  say('ready');
}));
