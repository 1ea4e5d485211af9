import { ClassicEditor, Essentials, Image, ImageUpload, Paragraph } from 'ckeditor5';
import 'ckeditor5/ckeditor5.css';
import { place, post } from './place.js';

function uploads(editor) {
  editor.plugins.get('FileRepository').createUploadAdapter = (loader) => ({
    upload: async () => {
      const file = await loader.file;
      await post(file, file.name);
      return { default: URL.createObjectURL(file) };
    },
    abort() {},
  });
}

ClassicEditor.create(place(), { licenseKey: 'GPL', plugins: [Essentials, Paragraph, Image, ImageUpload], extraPlugins: [uploads] })
  .then((editor) => editor.editing.view.focus());
