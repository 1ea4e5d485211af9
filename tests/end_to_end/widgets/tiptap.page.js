import { Editor } from '@tiptap/core';
import Image from '@tiptap/extension-image';
import StarterKit from '@tiptap/starter-kit';
import { place, post } from './place.js';

/** @param {FileList | undefined} files @returns {boolean} whether they are dealt with */
function take(files) {
  for (const file of files ?? []) {
    post(file, file.name);
    const reader = new FileReader();
    reader.onload = () => editor.chain().focus().setImage({ src: String(reader.result) }).run();
    reader.readAsDataURL(file);
  }
  return Boolean(files?.length);
}

const editor = new Editor({
  element: place(),
  extensions: [StarterKit, Image.configure({ allowBase64: true })],
  content: '<p>Drop or paste a picture.</p>',
  editorProps: {
    handlePaste: (_, event) => take(event.clipboardData?.files),
    handleDrop: (_, event) => take(event.dataTransfer?.files),
  },
});
editor.commands.focus();
