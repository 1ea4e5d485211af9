// Makes the input another kind of input and back while the photo is held.
for (const name of ['input', 'change']) photo.addEventListener(name, look);
window.meanwhile = () => {
  let turn = 0;
  const timer = setInterval(() => {
    photo.type = turn % 2 ? 'file' : 'text';
    look();
    take(new FormData(photo.form));
    turn += 1;
    if (turn < 8) return;
    clearInterval(timer);
    settle(true);
  }, 20);
};
