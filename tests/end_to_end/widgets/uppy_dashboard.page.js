import Uppy from '@uppy/core';
import Dashboard from '@uppy/dashboard';
import XHRUpload from '@uppy/xhr-upload';
import '@uppy/core/css/style.css';
import '@uppy/dashboard/css/style.css';
import { endpoint, place, sent } from './place.js';

new Uppy({ autoProceed: true })
  .use(Dashboard, { inline: true, target: place(), width: 600, height: 400 })
  .use(XHRUpload, { endpoint, fieldName: 'file' })
  .on('complete', ({ successful }) => { if (successful.length) sent(); });
