// @ts-check
/** The hold window: for each waiting upload, try again, send what there is, send the original, or send nothing. */
import { localise, make, words } from '../shared/dom.js';
import { failureWords, sizeWords } from '../shared/report_words.js';
import { Steadiness } from './steadiness.js';

localise();
const list = /** @type {HTMLElement} */ (document.getElementById('holds'));
const STYLE = /** @type {const} */ ({ cloak: 'main', retry: 'main', attempt: '', original: 'danger', cancel: '' });
let seen = false;
let isSteady = false;
/** The buttons of all cards, and whether each can be pressed while the window is steady. @type {Map<HTMLButtonElement, () => boolean>} */
const buttons = new Map();
const draw = () => {
  for (const [button, isOffered] of buttons) button.disabled = !isSteady || !isOffered();
};
const steady = new Steadiness((now) => {
  isSteady = now;
  draw();
});
/** @type {chrome.runtime.Port} */
let port;

/** @param {import('../shared/messages.js').Waiting['files'][number]} file */
function row({ name, size, preview }) {
  // Each in its own writing direction: names need not be in the person's language.
  const said = make('span', {}, make('bdi', {}, name || words('pasted_photo')), ' · ', make('bdi', {}, sizeWords(size)));
  return make('li', {}, ...preview ? [make('img', { src: preview, alt: '' })] : [], said);
}

/** @param {import('../shared/messages.js').Waiting} hold */
function show(hold) {
  const title = make('h2', {}, words('hold_site', hold.host));
  const files = make('ul', { className: 'small', tabIndex: 0 }, ...hold.files.map(row));
  files.setAttribute('aria-label', words('hold_files'));
  const why = make('p', {}, failureWords(hold.code, hold.detail));
  const remember = /** @type {HTMLInputElement} */ (make('input', { type: 'checkbox', name: 'remember' }));
  const note = make('p', { className: 'faint small' }, words('remember_note'));
  const choices = hold.choices.map((choice) => make('button', {
    type: 'button',
    className: STYLE[choice],
    name: choice,
    disabled: true,
    onclick: () => { if (isSteady) port.postMessage({ type: 'choose', hold: hold.id, choice, remember: remember.checked }); },
  }, words(`choice_${choice}`)));
  const asked = hold.remembers.length ? [make('label', { className: 'remember' }, remember, words('remember', hold.host)), note] : [];
  note.hidden = true;
  // While "remember" is checked, only what can be remembered is offered.
  remember.addEventListener('change', () => {
    note.hidden = !remember.checked;
    draw();
  });
  hold.choices.forEach((choice, index) => {
    buttons.set(/** @type {HTMLButtonElement} */ (choices[index]), () => !remember.checked || hold.remembers.includes(choice));
  });
  const card = make('article', { className: 'card' }, title, files, why, make('div', { className: 'choices' }, ...choices), ...asked);
  card.dataset['hold'] = hold.id;
  return card;
}

function connect() {
  port = chrome.runtime.connect({ name: 'holds' });
  port.onMessage.addListener((/** @type {import('../shared/messages.js').ToHoldWindow} */ { holds }) => {
    // Only changes are drawn, so that nothing moves under a finger that is about to press.
    const ids = new Set(holds.map(({ id }) => id));
    for (const card of Array.from(list.children)) if (!ids.has(/** @type {HTMLElement} */ (card).dataset['hold'] ?? '')) card.remove();
    const shown = new Set(Array.from(list.children, (card) => /** @type {HTMLElement} */ (card).dataset['hold']));
    for (const hold of holds) if (!shown.has(hold.id)) list.append(show(hold));
    for (const button of buttons.keys()) if (!button.isConnected) buttons.delete(button);
    steady.begin();
    if (holds.length) {
      seen = true;
    } else if (seen) {
      // Closing takes a moment, in which the background would still count on this window to show the next upload.
      port.postMessage({ type: 'closing' });
      window.close();
    }
  });
  // The background ended: the pages hand their uploads to the next one, which shows them here again.
  port.onDisconnect.addListener(() => {
    // Nobody would receive an answer meanwhile, and the next question may be another.
    list.replaceChildren();
    setTimeout(connect, 300);
  });
}

connect();
