// Entries and handles of a drop, read with whatever built-ins a frame has.
const frame = document.createElement('iframe');
frame.src = '/nothing';
document.body.append(frame);
const inner = frame.contentWindow;
addEventListener('drop', async (event) => {
  event.preventDefault();
  const promises = [];
  for (const item of event.dataTransfer.items) {
    const entry = item.webkitGetAsEntry?.();
    if (entry) {
      entry.file(take);
      inner.FileSystemFileEntry?.prototype.file.call(entry, take);
    }
    const handle = item.getAsFileSystemHandle?.();
    if (handle) promises.push(handle);
  }
  for (const handle of await Promise.all(promises)) if (handle) take(await inner.FileSystemFileHandle.prototype.getFile.call(handle));
}, true);
