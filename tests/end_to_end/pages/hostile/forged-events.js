// Events of every kind with files of its own: they are the page's, and nobody's photos.
const file = new File(['\xff\xd8\xff\xe0 no photo of a person\'s'], 'forged.jpg', { type: 'image/jpeg' });
const files = () => { const transfer = new DataTransfer(); transfer.items.add(file); return transfer; };
for (let turn = 0; turn < 50; turn += 1) {
  const input = document.createElement('input');
  input.type = 'file';
  input.files = files().files;
  document.body.append(input);
  for (const name of ['input', 'change']) input.dispatchEvent(new Event(name, { bubbles: true, composed: true }));
  input.remove();
  document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: files() }));
  document.body.dispatchEvent(new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: files() }));
  void new FormData(document.forms[0]);
}
say('tried');
