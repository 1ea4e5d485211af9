import { Dropzone } from 'dropzone';
import 'dropzone/dist/dropzone.css';
import { endpoint, place, sent } from './place.js';

const element = place();
element.className = 'dropzone';
new Dropzone(element, { url: endpoint, paramName: 'file' }).on('success', sent);
