// Presses whatever could be a button, and tells every window what a person would have chosen, while the person is asked.
const words = [{ type: 'choose', hold: '1', choice: 'original', remember: true }, { choice: 'original' }, 'original'];
const channel = new BroadcastChannel('holds');
const press = () => {
  const nodes = [document.body, document.documentElement, ...document.documentElement.children, ...document.querySelectorAll('*')];
  for (const node of nodes) {
    node.click?.();
    for (const name of ['pointerdown', 'mousedown', 'mouseup', 'click', 'keydown', 'submit']) node.dispatchEvent(new KeyboardEvent(name, { key: 'Enter', bubbles: true, composed: true }));
  }
  for (const word of words) {
    window.postMessage(word, '*');
    channel.postMessage(word);
    open('', 'hold')?.postMessage(word, '*');
  }
  say('tried');
};
photo.addEventListener('click', (event) => { if (!event.isTrusted) event.preventDefault(); });
photo.addEventListener('click', (event) => { if (event.isTrusted) setTimeout(press, 1500); });
for (const name of ['input', 'change']) photo.addEventListener(name, look);
