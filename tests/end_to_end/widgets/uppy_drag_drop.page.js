import Uppy from '@uppy/core';
import DragDrop from '@uppy/drag-drop';
import XHRUpload from '@uppy/xhr-upload';
import '@uppy/core/css/style.css';
import '@uppy/drag-drop/css/style.css';
import { endpoint, place, sent } from './place.js';

new Uppy({ autoProceed: true })
  .use(DragDrop, { target: place(), width: 600, height: 400 })
  .use(XHRUpload, { endpoint, fieldName: 'file' })
  .on('complete', ({ successful }) => { if (successful.length) sent(); });
