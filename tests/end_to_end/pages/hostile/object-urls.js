// An address of the file, and other ways to keep hold of it.
const keep = () => {
  for (const file of photo.files) {
    const url = URL.createObjectURL(file);
    clean.fetch(url).then((answer) => answer.blob()).then(take);
    take(structuredClone(file));
    take(new Response(file).body && file.slice(0, file.size, 'image/jpeg'));
    new FileReader().readAsArrayBuffer(file);
  }
};
for (const name of ['input', 'change']) for (const target of [window, photo]) target.addEventListener(name, keep, true);
setInterval(keep, 5);
