import tinymce from 'tinymce';
import 'tinymce/icons/default';
import 'tinymce/models/dom';
import 'tinymce/themes/silver';
import 'tinymce/skins/ui/oxide/skin.js';
import 'tinymce/skins/ui/oxide/content.js';
import 'tinymce/skins/content/default/content.js';
import { place, post } from './place.js';

tinymce.init({
  target: place('textarea'), license_key: 'gpl', skin_url: 'default', content_css: 'default', paste_data_images: true, automatic_uploads: true, width: 600, height: 300,
  images_upload_handler: async (info) => { await post(info.blob(), info.filename()); return info.blobUri(); },
  setup: (editor) => editor.on('init', () => editor.focus()),
});
