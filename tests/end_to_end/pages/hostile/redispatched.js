// Dispatches again whatever event it gets hold of, on every node, while the photo is held.
const events = new Set();
const others = [photo, document.body, document, window, document.createElement('input')];
for (const name of ['click', 'focusin', 'input', 'change', 'pointerup']) {
  addEventListener(name, (event) => { events.add(event); if (window.event) events.add(window.event); }, true);
}
const list = new DataTransfer();
list.items.add(new File(['page'], 'page.txt'));
for (const name of ['input', 'change']) photo.addEventListener(name, look);
setInterval(() => {
  for (const event of events) for (const other of others) try { other.dispatchEvent(event); } catch { /* Still under way. */ }
  for (const name of ['input', 'change']) photo.dispatchEvent(new Event(name, { bubbles: true }));
  look();
}, 20);
