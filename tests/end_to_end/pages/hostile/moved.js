// Takes the input out of the document, into others, and clones it, while its photo is held.
const homes = [document.implementation.createHTMLDocument().body, document.createElement('template').content];
const frame = document.createElement('iframe');
document.body.append(frame);
homes.push(frame.contentDocument.body);
for (const name of ['input', 'change']) photo.addEventListener(name, () => { look(); settle(photo.files.length); });
window.meanwhile = () => {
  let turn = 0;
  setInterval(() => {
    homes[turn % homes.length].append(photo);
    turn += 1;
    look();
    take(photo.cloneNode(true).files);
    take(document.importNode(photo, true).files);
  }, 25);
};
