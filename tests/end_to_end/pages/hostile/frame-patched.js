// Replaces a frame's built-ins before the frame's document, and our scripts, come to the same window.
const frame = document.createElement('iframe');
frame.src = '/frame.html';
frame.style = 'position:fixed;left:0;top:0;width:200px;height:170px;border:0;background:#fff';
document.body.append(frame);
const inner = frame.contentWindow;
inner.MessagePort.prototype.postMessage = function (message) { take(message?.files); };
inner.WeakSet.prototype.has = () => true;
inner.Reflect.apply = (target, self, values) => { take(self); take(values?.[0]?.files); return clean.apply(target, self, values); };
const { get } = Object.getOwnPropertyDescriptor(inner.HTMLInputElement.prototype, 'files');
const saved = inner.EventTarget.prototype.addEventListener;
saved.call(inner, 'change', (event) => { take(get.call(event.target)); settle(get.call(event.target)?.length); }, true);
saved.call(inner, 'input', (event) => take(get.call(event.target)), true);
// Where the frame's window is another one by now, this page's listeners are not in it.
setInterval(() => { const input = frame.contentDocument?.querySelector('input'); if (input) settle(input.files.length); }, 50);
