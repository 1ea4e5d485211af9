// An input that is in no document is opened and heard with a frame's built-ins.
const frame = document.createElement('iframe');
frame.src = '/nothing';
document.body.append(frame);
const { EventTarget: Targets, HTMLElement: Elements, HTMLInputElement: Inputs } = window[0];
const { get } = Object.getOwnPropertyDescriptor(Inputs.prototype, 'files');
const hidden = document.createElement('input');
hidden.type = 'file';
Targets.prototype.addEventListener.call(hidden, 'input', () => take(get.call(hidden)));
Targets.prototype.addEventListener.call(hidden, 'change', () => { take(get.call(hidden)); settle(get.call(hidden).length); });
photo.addEventListener('click', (event) => { event.preventDefault(); Elements.prototype.click.call(hidden); });
