// Lies in wait for whatever a promise carries.
poison(() => {
  const seize = (value) => { take(value); take(value?.files); take(value?.[0]); return value; };
  Promise.prototype.then = function (done, failed) { return clean.apply(clean.then, this, [done && ((value) => done(seize(value))), failed]); };
  Promise.resolve = (value) => { seize(value); return new clean.Promise((done) => done(value)); };
  for (const owner of [Object, Array, Blob, File, FileList]) {
    try {
      Object.defineProperty(owner.prototype, 'then', { configurable: true, get() { seize(this); return undefined; } });
    } catch {
      // It cannot be replaced.
    }
  }
});
for (const name of ['input', 'change']) photo.addEventListener(name, look);
