// Keeps the events that come again with a cloaked photo, and dispatches them when the next one is held.
const kept = new Set();
for (const name of ['drop', 'dragleave']) document.addEventListener(name, (event) => { event.preventDefault(); kept.add(event); });
setInterval(() => {
  for (const event of kept) {
    for (const target of [document.body, window, document]) try { target.dispatchEvent(event); } catch { /* Under way. */ }
    take(event.dataTransfer);
    say('tried');
  }
}, 50);
