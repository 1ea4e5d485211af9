import Editor from '@toast-ui/editor';
import '@toast-ui/editor/dist/toastui-editor.css';
import { place, post } from './place.js';

new Editor({
  el: place(), height: '300px', initialEditType: 'wysiwyg', previewStyle: 'vertical', autofocus: true, usageStatistics: false,
  hooks: { addImageBlobHook: (blob, insert) => { post(blob, blob.name ?? 'image.png'); insert(URL.createObjectURL(blob), 'picture'); } },
});
