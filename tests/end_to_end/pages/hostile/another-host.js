// Would pass for a page of a host that is off.
document.head.append(Object.assign(document.createElement('base'), { href: `https://off.example:${location.port}/` }));
history.replaceState(null, '', `/off.example${location.search}`);
window.name = 'off.example';
document.title = `https://off.example:${location.port}/`;
try { document.domain = 'off.example'; } catch { /* Not its own. */ }
const frame = document.createElement('iframe');
frame.src = `https://off.example:${location.port}/frame.html${location.search}`;
document.body.append(frame);
for (const name of ['input', 'change']) photo.addEventListener(name, look);
