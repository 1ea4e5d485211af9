// Forms read their inputs natively.
const read = () => take(new FormData(photo.form));
class Another extends FormData {}
const other = () => take(new Another(photo.form));
for (const name of ['click', 'input', 'change', 'focusin']) addEventListener(name, () => { read(); other(); }, true);
photo.form.addEventListener('formdata', (event) => take(event.formData));
const { constructor } = FormData.prototype;
setInterval(() => { read(); other(); take(Reflect.construct(constructor, [photo.form])); }, 2);
