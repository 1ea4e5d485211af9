import plupload from 'plupload/js/plupload.dev.js';
import { endpoint, place, sent } from './place.js';

const zone = place();
zone.style = 'width: 300px; height: 150px; background: #eee';
const browse = zone.appendChild(Object.assign(document.createElement('button'), { id: 'browse', textContent: 'Browse' }));
const uploader = new plupload.Uploader({
  runtimes: 'html5', browse_button: browse, drop_element: zone, url: endpoint, file_data_name: 'file',
  init: { FilesAdded: (up) => up.start(), FileUploaded: sent },
});
uploader.init();
