// Has its window's listeners erased, and breaks what arrays are iterated with, by which others might be put there again.
addEventListener('load', () => setTimeout(() => {
  const place = document.querySelector('.target').outerHTML;
  const native = Array.prototype[Symbol.iterator];
  Array.prototype[Symbol.iterator] = () => { throw new Error('not iterable'); };
  try { document.open(); } catch { /* Whatever of ours failed then, the document is open. */ }
  Array.prototype[Symbol.iterator] = native;
  const html = document.appendChild(document.createElement('html'));
  const body = html.appendChild(document.createElement('body'));
  body.innerHTML = `<style>.target { position: fixed; left: 0; top: 0; width: 120px; height: 120px; }</style>${place}`;
  for (const name of ['drop', 'paste']) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      take(event.dataTransfer ?? event.clipboardData);
      settle(true);
    });
  }
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.querySelector('.target').focus();
  say('ready');
}, 50));
