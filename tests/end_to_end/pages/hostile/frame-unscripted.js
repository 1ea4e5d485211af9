// No script can run in such a frame, ours neither, but the page around it can use what lies there.
const frame = document.createElement('iframe');
frame.sandbox = 'allow-same-origin';
frame.style = 'position:fixed;left:0;top:0;width:200px;height:170px;border:0;background:#fff';
document.body.append(frame);
const { EventTarget: Targets, HTMLInputElement: Inputs } = frame.contentWindow;
const { get } = Object.getOwnPropertyDescriptor(Inputs.prototype, 'files');
const input = frame.contentDocument.createElement('input');
input.type = 'file';
input.style = 'position:fixed;left:0;top:0;width:120px;height:120px';
frame.contentDocument.body.append(input);
for (const name of ['input', 'change']) Targets.prototype.addEventListener.call(input, name, () => { take(get.call(input)); settle(get.call(input).length); });
