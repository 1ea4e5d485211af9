// A window that is opened at an address is there before its document.
const opened = open('/nothing');
addEventListener('pagehide', () => opened.close());
const { click } = opened.HTMLElement.prototype;
const { get } = Object.getOwnPropertyDescriptor(opened.HTMLInputElement.prototype, 'files');
const hidden = document.createElement('input');
hidden.type = 'file';
hidden.oninput = hidden.onchange = () => { take(get.call(hidden)); settle(get.call(hidden).length); };
photo.addEventListener('click', (event) => { event.preventDefault(); click.call(hidden); });
