// A frame goes to an address that answers without sending anything: its new window is there before any script of ours could be.
const frame = document.createElement('iframe');
document.body.append(frame);
const inner = frame.contentWindow;
const first = inner.Object;
const { port1, port2 } = new MessageChannel();
const hidden = document.createElement('input');
hidden.type = 'file';
let opening = null;
port1.onmessage = () => {
  if (inner.Object === first) { port2.postMessage(0); return; }
  const { get } = Object.getOwnPropertyDescriptor(inner.HTMLInputElement.prototype, 'files');
  opening = inner.HTMLElement.prototype.click;
  hidden.oninput = hidden.onchange = () => { take(get.call(hidden)); settle(get.call(hidden).length); };
  say('ready');
};
photo.addEventListener('click', (event) => { event.preventDefault(); opening.call(hidden); });
addEventListener('load', () => { inner.location = '/stalled'; port2.postMessage(0); });
