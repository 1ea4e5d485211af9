import { create } from 'filepond';
import 'filepond/dist/filepond.css';
import { endpoint, place, sent } from './place.js';

create(place('input'), { server: { process: endpoint }, name: 'file', credits: false, onprocessfile: (problem) => { if (!problem) sent(); } });
