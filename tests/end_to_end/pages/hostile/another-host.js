// Would pass for a page of a host that is off.
document.head.append(Object.assign(document.createElement('base'), { href: `http://localhost:${location.port}/` }));
history.replaceState(null, '', `/localhost${location.search}`);
window.name = 'localhost';
document.title = `http://localhost:${location.port}/`;
try { document.domain = 'localhost'; } catch { /* Not its own. */ }
const frame = document.createElement('iframe');
frame.src = `http://localhost:${location.port}/frame.html${location.search}`;
document.body.append(frame);
for (const name of ['input', 'change']) photo.addEventListener(name, look);
