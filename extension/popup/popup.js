// @ts-check
/** The popup: this site, the daemon's state, and the last upload. */
import { matchesOf } from '../policy/hosts.js';
import { compare } from '../shared/compare.js';
import { find, localise, make, words } from '../shared/dom.js';
import { save } from '../shared/download.js';
import { daemonMood, daemonWords, resultWords, verdictLines } from '../shared/report_words.js';
import { ask, change } from '../shared/requests.js';
import { problemReport } from './problem_report.js';
import { showSite } from './site_card.js';

localise();
/** @type {import('../shared/messages.js').StateAnswer | null} */
let state = null;

async function showState() {
  state = await ask({ type: 'state' });
  if (!state) return;
  find('daemon', HTMLElement).textContent = daemonWords(state);
  find('mood', HTMLElement).className = `mood ${daemonMood(state)}`;
  if (state.last) find('last', HTMLElement).textContent = resultWords(state.last);
  const models = find('models', HTMLElement);
  models.hidden = !state.models;
  models.textContent = state.models ? words('models_line', words(`models_${state.models}`)) : '';
  find('waiting', HTMLElement).hidden = state.waiting === 0;
  find('waiting-words', HTMLElement).textContent = state.waiting === 1 ? words('one_waiting') : words('many_waiting', String(state.waiting));
  find('missing', HTMLElement).hidden = state.missing.length === 0;
  find('missing-words', HTMLElement).textContent = words('missing', state.missing.join(', '));
  find('leaks', HTMLElement).hidden = state.leaks.length === 0;
  find('leaks-words', HTMLElement).textContent = state.leaks.map(({ host, isStopped }) => words(isStopped ? 'leak_stopped' : 'leak_told', host)).join(' ');
  find('unreadable', HTMLElement).hidden = state.unreadable === null;
  find('unreadable-words', HTMLElement).textContent = words('unreadable', state.unreadable ?? '');
  showPictures(state.pictures);
}

/** @param {import('../shared/messages.js').Picture[]} pictures */
function showPictures(pictures) {
  find('photos', HTMLElement).hidden = pictures.length === 0;
  find('pictures', HTMLElement).replaceChildren(...pictures.map((picture, index) => {
    const lines = verdictLines(picture.report).map((line) => make('li', {}, line));
    const name = words('photo_number', String(index + 1), picture.host);
    return make('div', { className: 'photo' }, compare(picture, name), make('ul', { className: 'small' }, ...lines));
  }));
}

find('missing-allow', HTMLButtonElement).addEventListener('click', async () => {
  // Asked for at once: the browser grants it only within the person's click.
  await chrome.permissions.request({ origins: (state?.missing ?? []).flatMap((host) => matchesOf(host)) });
  await showState();
  await showSite();
});
find('missing-off', HTMLButtonElement).addEventListener('click', async () => {
  for (const host of state?.missing ?? []) await change({ type: 'set-site', host, rule: { mode: 'off' } });
  await showState();
  await showSite();
});
find('leaks-seen', HTMLButtonElement).addEventListener('click', async () => {
  await change({ type: 'forget-leaks' });
  await showState();
});
find('options', HTMLButtonElement).addEventListener('click', () => {
  void chrome.runtime.openOptionsPage();
  window.close();
});
find('waiting-button', HTMLButtonElement).addEventListener('click', () => {
  void ask({ type: 'show-holds' });
  window.close();
});
find('problem', HTMLButtonElement).addEventListener('click', async () => {
  const { policy } = await chrome.storage.local.get('policy');
  const report = problemReport({ state, policy, version: chrome.runtime.getManifest().version, browser: navigator.userAgent, when: new Date() });
  save('cloakroom-problem.json', `${JSON.stringify(report, null, 2)}\n`);
});

await showSite();
await showState();
