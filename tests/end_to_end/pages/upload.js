// What the pages of the tests have in common: how they send. None of it knows of Cloakroom.
const run = new URLSearchParams(window.parent.location.search).get('run');
const address = `${window.parent.location.origin}/upload?run=${run}`;

function form(files) {
  const data = new FormData();
  data.append('stamps', Array.from(files, (file) => file.lastModified).join(','));
  for (const file of files) data.append('file', file);
  return data;
}

const send = {
  fetch: (files) => fetch(address, { method: 'POST', body: form(files) }),
  xhr(files) {
    const request = new XMLHttpRequest();
    request.open('POST', address);
    request.send(form(files));
  },
  raw(file) {
    const request = new XMLHttpRequest();
    request.open('POST', `${address}&name=${encodeURIComponent(file.name)}`);
    request.send(file);
  },
  text(file) {
    const reader = new FileReader();
    reader.onload = () => fetch(`${address}&name=${encodeURIComponent(file.name)}`, { method: 'POST', body: reader.result });
    reader.readAsDataURL(file);
  },
};
