import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { useDropzone } from 'react-dropzone';
import { endpoint, place, sent } from './place.js';

function Zone() {
  const { getRootProps, getInputProps } = useDropzone({
    async onDrop(files) {
      const body = new FormData();
      for (const file of files) body.append('file', file);
      if ((await fetch(endpoint, { method: 'POST', body })).ok) sent();
    },
  });
  return createElement('div', getRootProps({ id: 'zone', style: { height: 200, background: '#eee' } }), createElement('input', getInputProps()));
}

createRoot(place()).render(createElement(Zone));
