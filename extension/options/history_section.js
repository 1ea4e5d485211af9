// @ts-check
/** The section of the history: kept in this browser only, only if it is switched on, and erased at a click. */
import { find, make, words } from '../shared/dom.js';
import { change } from '../shared/requests.js';

const toggle = find('history', HTMLInputElement);
const erase = find('erase', HTMLButtonElement);

async function show() {
  const { history } = await chrome.storage.local.get('history');
  const { on, entries } = /** @type {import('../shared/messages.js').History} */ (history ?? { on: false, entries: [] });
  toggle.checked = on;
  erase.hidden = entries.length === 0;
  const list = find('entries', HTMLElement);
  list.tabIndex = entries.length ? 0 : -1;
  list.setAttribute('aria-labelledby', 'history-title');
  list.replaceChildren(...entries.map(({ when, host, photos, outcome }) => {
    const date = new Date(when).toLocaleString(words('language'));
    return make('li', {}, words('history_entry', date, host, String(photos), words(`outcome_${outcome}`)));
  }));
}

export function watchHistory() {
  toggle.addEventListener('change', () => { void change({ type: 'set-history', on: toggle.checked }); });
  erase.addEventListener('click', () => { void change({ type: 'erase-history' }); });
  chrome.storage.local.onChanged.addListener((changes) => { if (changes['history']) void show(); });
  void show();
}
