/** Modelled on Bluesky's web composer: an input that is in the body for one choice, opened by an event of its own making;
 * pictures are drawn anew at falling qualities until they are small enough. */
import { place, post } from './place.js';

const LARGEST = 1_000_000;

async function compressed(file) {
  const image = await createImageBitmap(file);
  const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
  canvas.getContext('2d').drawImage(image, 0, 0);
  for (let quality = 1; quality > 0.5; quality -= 0.1) {
    const blob = await new Promise((done) => canvas.toBlob(done, 'image/jpeg', quality));
    if (blob.size <= LARGEST) return blob;
  }
  throw new Error('too large');
}

async function add(files) {
  for (const file of files) post(await compressed(file), file.name);
}

function choose() {
  const input = Object.assign(document.createElement('input'), { type: 'file', accept: 'image/*', multiple: true });
  input.style.display = 'none';
  document.body.appendChild(input);
  input.addEventListener('change', () => {
    add([...input.files]);
    input.remove();
  });
  input.dispatchEvent(new MouseEvent('click'));
}

const button = Object.assign(document.createElement('button'), { id: 'add', textContent: 'Add images', onclick: choose });
const text = Object.assign(document.createElement('div'), { id: 'text', contentEditable: 'true', textContent: 'What is up?' });
place().append(button, text);
text.addEventListener('paste', (event) => {
  const files = [...event.clipboardData.items].filter((item) => item.kind === 'file').map((item) => item.getAsFile());
  if (files.length) {
    event.preventDefault();
    add(files);
  }
});
document.body.addEventListener('dragover', (event) => event.preventDefault());
document.body.addEventListener('drop', (event) => {
  event.preventDefault();
  add([...event.dataTransfer.files]);
});
text.focus();
