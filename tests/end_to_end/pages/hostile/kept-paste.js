// Keeps what a paste shows, and reads it later.
const kept = new Set();
for (const target of [window, document]) {
  target.addEventListener('paste', (event) => {
    event.preventDefault();
    for (const thing of [event.clipboardData, ...event.clipboardData.items, ...event.clipboardData.files]) kept.add(thing);
    for (const item of event.clipboardData.items) kept.add(item.getAsFile());
  }, true);
}
setInterval(() => {
  for (const thing of kept) {
    take(thing);
    if (thing instanceof DataTransferItem) take(thing.getAsFile());
  }
}, 10);
