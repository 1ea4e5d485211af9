/** Modelled on Mastodon's composer: a hidden input in the form, opened by its reference, and an area for drops over the page. */
import { createElement, useEffect, useRef } from 'react';
import { createRoot } from 'react-dom/client';
import { endpoint, place, sent } from './place.js';

/** As its media endpoint is called: one request a file. */
function upload(files) {
  for (const file of files) {
    const body = new FormData();
    body.append('file', file);
    const request = new XMLHttpRequest();
    request.open('POST', endpoint);
    request.onload = sent;
    request.send(body);
  }
}

function Composer() {
  const input = useRef(null);
  useEffect(() => {
    const over = (event) => event.preventDefault();
    const drop = (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) upload(event.dataTransfer.files);
    };
    document.addEventListener('dragover', over);
    document.addEventListener('drop', drop);
    return () => {
      document.removeEventListener('dragover', over);
      document.removeEventListener('drop', drop);
    };
  }, []);
  return createElement('form', {},
    createElement('textarea', {
      id: 'text',
      style: { width: 300, height: 150 },
      autoFocus: true,
      onPaste(event) {
        if (event.clipboardData.files.length !== 1) return;
        upload(event.clipboardData.files);
        event.preventDefault();
      },
    }),
    createElement('button', { id: 'add', type: 'button', onClick: () => input.current.click() }, 'Add images'),
    createElement('input', {
      ref: input, type: 'file', multiple: true, accept: 'image/jpeg,image/png,image/webp', style: { display: 'none' },
      onChange: (event) => { if (event.target.files.length) upload(event.target.files); },
    }));
}

createRoot(place()).render(createElement(Composer));
