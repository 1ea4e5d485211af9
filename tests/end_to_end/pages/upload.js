// What the pages of the tests have in common: how they send. None of it knows of Cloakroom.
/** The page's address, or where that is another origin's, the frame's own. */
const place = (() => {
  try {
    return new URL(window.parent.location.href);
  } catch {
    return new URL(location.href);
  }
})();
const run = place.searchParams.get('run');
const address = `${place.origin}/upload?run=${run}`;

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
