// Listens first in a frame's window, before its document and our content script come there, and lets nobody else hear. The form in a
// closed root sends itself.
const frame = document.createElement('iframe');
frame.src = '/closed.html';
frame.style = 'position:fixed;left:0;top:0;width:200px;height:170px;border:0;background:#fff';
document.body.append(frame);
for (const name of ['input', 'click', 'change']) frame.contentWindow.addEventListener(name, (event) => event.stopImmediatePropagation(), true);
frame.onload = () => settle(frame.contentWindow.location.pathname === '/upload');
