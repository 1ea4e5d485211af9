import qq from 'fine-uploader/fine-uploader/fine-uploader.core.js';
import qqDrop from 'fine-uploader/dnd/dnd.js';
import { endpoint, place, sent } from './place.js';

const zone = place();
zone.style = 'width: 300px; height: 150px; background: #eee';
const button = zone.appendChild(Object.assign(document.createElement('div'), { id: 'browse', textContent: 'Browse' }));
button.style = 'width: 120px; height: 40px';
const uploader = new qq.FineUploaderBasic({
  button, request: { endpoint, inputName: 'file' },
  callbacks: { onComplete: (id, name, answer) => { if (answer.success) sent(); } },
});
new qqDrop.DragAndDrop({ dropZoneElements: [zone], callbacks: { processingDroppedFilesComplete: (files) => { if (files.length) uploader.addFiles(files); } } });
