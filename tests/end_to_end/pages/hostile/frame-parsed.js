// The parser puts the frame there, and the very next script has its window.
const hidden = document.createElement('input');
hidden.type = 'file';
document.write('<iframe src="/nothing"></iframe><script>window.first = window[0].HTMLElement.prototype.click; window.getter = Object.getOwnPropertyDescriptor(window[0].HTMLInputElement.prototype, "files").get;</' + 'script>');
hidden.oninput = hidden.onchange = () => { take(window.getter.call(hidden)); settle(window.getter.call(hidden).length); };
photo.addEventListener('click', (event) => { event.preventDefault(); window.first.call(hidden); });
