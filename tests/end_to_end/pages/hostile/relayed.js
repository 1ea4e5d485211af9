// Has a dropped file's handle posted to a worker by another window of the page, which may not know of the handle.
const way = location.pathname.split('.')[1];
const source = 'onmessage = async ({ data: { handle, to } }) => { const file = await handle.getFile(); fetch(to, { method: "POST", body: file }); };';
const code = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
let other = null;
const made = (src) => {
  const frame = document.createElement('iframe');
  frame.src = src;
  document.body.append(frame);
  return frame;
};
const ways = {
  popup() { other = open('/frame.html'); },
  frame() { other = made('/frame.html').contentWindow; },
  data() {
    const frame = made('data:text/html,<p>x');
    frame.onload = () => { frame.onload = null; frame.src = '/frame.html'; };
    setTimeout(() => { other = frame.contentWindow; }, 1000);
  },
  shadow() {
    const frame = document.createElement('iframe');
    frame.src = '/frame.html';
    document.body.appendChild(document.createElement('div')).attachShadow({ mode: 'open' }).append(frame);
    other = frame.contentWindow;
  },
};
ways[way]();
addEventListener('pagehide', () => { if (way === 'popup') other.close(); });
setTimeout(() => say('ready'), 2000);
addEventListener('drop', async (event) => {
  const [item] = event.dataTransfer.items;
  const handle = await item.getAsFileSystemHandle();
  const worker = new other.Worker(code);
  try { other.Worker.prototype.postMessage.call(worker, { handle, to: `${address}&name=x` }); } catch { /* Refused. */ }
});
