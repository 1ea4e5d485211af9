// Listens to everything, everywhere, first.
const names = ['input', 'change', 'beforeinput', 'click', 'focus', 'focusin', 'blur', 'select', 'cancel', 'drop', 'dragover', 'dragenter', 'dragend', 'paste', 'beforepaste', 'pointerup', 'keydown', 'selectionchange'];
for (const target of [window, document, document.documentElement, document.body, photo]) {
  for (const name of names) {
    for (const capture of [true, false]) target.addEventListener(name, (event) => { take(event.target?.files); take(event.dataTransfer); take(event.clipboardData); look(); }, capture);
    target[`on${name}`] = look;
  }
}
