import { Upload } from 'tus-js-client';
import { place, sent } from './place.js';

const input = place('input');
input.type = 'file';
input.addEventListener('change', () => {
  const [file] = input.files;
  new Upload(file, { endpoint: `/tus${location.search}`, retryDelays: null, metadata: { filename: file.name }, onSuccess: sent }).start();
});
