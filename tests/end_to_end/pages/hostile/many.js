// As many events, inputs and frames as a page can make.
addEventListener('load', () => {
  const transfer = new DataTransfer();
  transfer.items.add(new File(['page'], 'page.txt'));
  const box = document.createElement('div');
  document.body.append(box);
  for (let turn = 0; turn < 1000; turn += 1) {
    const input = document.createElement('input');
    input.type = 'file';
    input.hidden = true;
    box.append(input);
    input.files = transfer.files;
    for (const name of ['input', 'change', 'drop', 'paste']) input.dispatchEvent(new Event(name, { bubbles: true, composed: true }));
    window.dispatchEvent(new MessageEvent('cloakroom-offer', { ports: [new MessageChannel().port1] }));
    if (turn % 20 === 0) box.append(Object.assign(document.createElement('iframe'), { src: '/nothing', hidden: true }));
  }
  say('tried');
  say('ready');
});
for (const name of ['input', 'change']) photo.addEventListener(name, look);
