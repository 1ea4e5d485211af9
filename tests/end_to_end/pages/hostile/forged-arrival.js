// Says what only content scripts and the scripts of a window around say, to its own window and to a frame's.
const frame = document.createElement('iframe');
frame.src = '/nothing';
document.body.append(frame);
const tell = (target) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = port2.onmessage = ({ data }) => { say('won'); take(data?.files); };
  for (const name of ['cloakroom-arrival', 'cloakroom-frames', 'cloakroom-leave', 'cloakroom-offer', 'pagehide', 'show', 'listen']) {
    target.dispatchEvent(new MessageEvent(name, { ports: [port2], cancelable: true }));
  }
  for (const port of [port1, port2]) port.dispatchEvent(new SubmitEvent('show', { submitter: document.createElement('button') }));
};
for (const name of ['load', 'click', 'focusin']) addEventListener(name, () => { tell(window); tell(frame.contentWindow); say('tried'); }, true);
const { get } = Object.getOwnPropertyDescriptor(frame.contentWindow.HTMLInputElement.prototype, 'files');
for (const name of ['input', 'change']) photo.addEventListener(name, () => { look(); take(get.call(photo)); });
setInterval(() => take(get.call(photo)), 5);
