import Quill from 'quill';
import 'quill/dist/quill.snow.css';
import { place, post } from './place.js';

const quill = new Quill(place(), { theme: 'snow' });
quill.on('text-change', () => {
  const image = quill.root.querySelector('img');
  if (image) post(image.src, 'image.png');
});
quill.focus();
