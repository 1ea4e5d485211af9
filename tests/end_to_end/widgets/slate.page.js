/** As the editor's own example of pictures: they are taken from what is pasted. */
import { createElement, useMemo } from 'react';
import { createRoot } from 'react-dom/client';
import { createEditor } from 'slate';
import { Editable, Slate, withReact } from 'slate-react';
import { withHistory } from 'slate-history';
import { place, post } from './place.js';

function withPictures(editor) {
  const { insertData } = editor;
  editor.insertData = (data) => {
    if (data.files.length === 0) {
      insertData(data);
      return;
    }
    for (const file of data.files) post(file, file.name);
  };
  return editor;
}

function Page() {
  const editor = useMemo(() => withPictures(withHistory(withReact(createEditor()))), []);
  return createElement(Slate, { editor, initialValue: [{ type: 'paragraph', children: [{ text: 'words' }] }] },
    createElement(Editable, { id: 'text', style: { width: 300, height: 150 }, autoFocus: true }));
}

createRoot(place()).render(createElement(Page));
