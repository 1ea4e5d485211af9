import Cropper from 'cropperjs';
import { place, post } from './place.js';

const holder = place();
const input = holder.appendChild(Object.assign(document.createElement('input'), { type: 'file', id: 'add' }));
input.addEventListener('change', async () => {
  const [file] = input.files;
  const image = Object.assign(new Image(), { src: URL.createObjectURL(file) });
  await image.decode();
  const { naturalWidth: width, naturalHeight: height } = image;
  holder.append(image);
  const cropper = new Cropper(image);
  cropper.getCropperCanvas().style = `width: ${width}px; height: ${height}px`;
  const picture = await cropper.getCropperImage().$ready().then(() => cropper.getCropperImage());
  picture.$center('contain');
  const selection = cropper.getCropperSelection();
  selection.$change(0, 0, width, height);
  // It follows the sizes of its elements from one frame to the next.
  await new Promise((done) => setTimeout(done, 200));
  const canvas = await selection.$toCanvas({ width, height });
  canvas.toBlob((blob) => post(blob, file.name), 'image/jpeg', 0.95);
});
