// @ts-check
/** Shows a photo before and after on top of each other, with a slider between them. */
import { make, words } from './dom.js';

/**
 * @param {import('./messages.js').Picture} picture
 * @param {string} name a description for people who do not see it
 */
export function compare({ before, after }, name) {
  const top = make('img', { src: before, alt: '', className: 'top' });
  const slider = /** @type {HTMLInputElement} */ (make('input', { type: 'range', min: '0', max: '100', value: '50' }));
  slider.setAttribute('aria-label', words('compare_label', name));
  const place = () => {
    // Follows the slider, which runs from right to left where the language does.
    const rest = `${100 - Number(slider.value)}%`;
    const isMirrored = document.documentElement.dir === 'rtl';
    top.style.clipPath = isMirrored ? `inset(0 0 0 ${rest})` : `inset(0 ${rest} 0 0)`;
    slider.setAttribute('aria-valuetext', words('compare_value', slider.value));
  };
  slider.addEventListener('input', place);
  place();
  const pictures = make('div', { className: 'pictures' }, make('img', { src: after, alt: words('compare_after', name) }), top);
  const ends = make('div', { className: 'row faint small' }, make('span', { className: 'grow' }, words('before')), make('span', {}, words('after')));
  return make('figure', { className: 'compare' }, pictures, slider, ends);
}
