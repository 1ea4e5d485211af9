import compress from 'browser-image-compression';
import { place, post } from './place.js';

const input = place('input');
input.type = 'file';
input.addEventListener('change', async () => {
  const [file] = input.files;
  post(await compress(file, { useWebWorker: true, libURL: `${location.origin}/bundles/browser-image-compression.js`, maxWidthOrHeight: 200, initialQuality: 0.92 }), file.name);
});
