// Keeps everything that a drag shows, and reads it later.
const kept = new Set();
for (const name of ['dragenter', 'dragover', 'drop', 'dragleave']) {
  for (const target of [window, document, photo]) {
    target.addEventListener(name, (event) => {
      event.preventDefault();
      const { dataTransfer } = event;
      for (const thing of [event, dataTransfer, dataTransfer.items, dataTransfer.files, ...dataTransfer.items]) kept.add(thing);
      for (const item of dataTransfer.items) kept.add(item.getAsFile());
    }, true);
  }
}
setInterval(() => {
  for (const thing of kept) {
    take(thing);
    take(thing?.dataTransfer);
    if (thing instanceof DataTransferItemList) for (const item of thing) take(item.getAsFile());
    if (thing instanceof DataTransferItem) take(thing.getAsFile());
  }
}, 10);
