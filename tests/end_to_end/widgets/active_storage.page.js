import { DirectUpload } from '@rails/activestorage';
import { place, sent } from './place.js';

const input = place('input');
input.type = 'file';
input.addEventListener('change', () => {
  new DirectUpload(input.files[0], `${location.origin}/direct${location.search}`).create((problem) => { if (!problem) sent(); });
});
