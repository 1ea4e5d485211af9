// The input lies in a frame whose document never comes.
const frame = document.createElement('iframe');
frame.src = '/nothing';
frame.style = 'position:fixed;left:0;top:0;width:200px;height:170px;border:0;background:#fff';
document.body.append(frame);
const inner = frame.contentDocument;
const input = inner.createElement('input');
input.type = 'file';
input.style = 'position:fixed;left:0;top:0;width:120px;height:120px';
inner.body.append(input);
const change = () => { take(input.files); settle(input.files.length); };
frame.contentWindow.EventTarget.prototype.addEventListener.call(input, 'change', change);
