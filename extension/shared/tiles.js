// @ts-check
/** A choice between a few, as radio buttons with a word and perhaps a picture. */
import { make, words } from './dom.js';

/**
 * Replaces the choices after the legend.
 * @template {string} T
 * @param {HTMLFieldSetElement} fieldset
 * @param {{ choices: readonly T[], chosen: T, stem: string, picture?: (choice: T) => string, choose: (choice: T) => void }} what
 *   stem: of the messages' names; picture: its address
 */
export function fillTiles(fieldset, { choices, chosen, stem, picture, choose }) {
  for (const old of fieldset.querySelectorAll('label')) old.remove();
  fieldset.append(...choices.map((choice) => {
    const radio = make('input', { type: 'radio', name: fieldset.id, value: choice, checked: choice === chosen, onchange: () => { choose(choice); } });
    const shown = picture ? [make('img', { src: picture(choice), alt: '' })] : [];
    return make('label', { className: 'tile' }, ...shown, radio, make('span', {}, words(stem + choice)));
  }));
}
