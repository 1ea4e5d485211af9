import { Jodit } from 'jodit';
import 'jodit/es2021/jodit.min.css';
import { place, post } from './place.js';

const editor = Jodit.make(place('textarea'), { uploader: { insertImageAsBase64URI: true }, width: 600, height: 300, askBeforePasteHTML: false, autofocus: true });
editor.events.on('change', () => {
  const image = editor.editor.querySelector('img');
  if (image) post(image.src, 'image.png');
});
