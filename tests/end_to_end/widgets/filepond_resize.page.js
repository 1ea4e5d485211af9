import { create, registerPlugin } from 'filepond';
import preview from 'filepond-plugin-image-preview';
import resize from 'filepond-plugin-image-resize';
import transform from 'filepond-plugin-image-transform';
import 'filepond/dist/filepond.css';
import 'filepond-plugin-image-preview/dist/filepond-plugin-image-preview.css';
import { endpoint, place, sent } from './place.js';

registerPlugin(preview, resize, transform);
create(place('input'), {
  server: { process: endpoint }, name: 'file', credits: false, imageResizeTargetWidth: 200, imageTransformOutputQuality: 92,
  onprocessfile: (problem) => { if (!problem) sent(); },
});
