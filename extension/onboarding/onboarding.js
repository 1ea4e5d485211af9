// @ts-check
/** The first three steps: pair, choose sites, see a photo cloaked. */
import { offeredSites } from '../policy/hosts.js';
import { compare } from '../shared/compare.js';
import { find, localise, make, say, words } from '../shared/dom.js';
import { showPairing } from '../shared/pairing_form.js';
import { failureWords, machinesWords, verdictLines } from '../shared/report_words.js';
import { ask } from '../shared/requests.js';
import { switchOn } from '../shared/switch_on.js';

localise();
// Before any wait: a quick person finds the form listened to.
void showPairing(() => {});

/** @type {import('../policy/hosts.js').SiteTable} */
const table = await (await fetch(chrome.runtime.getURL('sites.json'))).json();
const offered = find('offered', HTMLElement);
const search = find('search', HTMLInputElement);
const all = offeredSites(table);

/** @param {import('../policy/hosts.js').SiteEntry} site */
function entry({ name, hosts, software }) {
  const box = make('input', { type: 'checkbox', name, disabled: hosts.length === 0 });
  const servers = software ? [make('span', { className: 'faint small' }, ` ${words('sites_software')}`)] : [];
  return make('label', { className: 'entry' }, box, name, ...servers);
}

offered.append(...[...new Set(all.map(({ kind }) => kind))].map((kind) => {
  const entries = all.filter((site) => site.kind === kind).map(entry);
  return make('fieldset', { className: 'kind' }, make('legend', { className: 'small' }, words(`kind_${kind}`)), ...entries);
}));

/** Shows only the sites whose name or host contains what is typed. */
function narrow() {
  const typed = search.value.trim().toLowerCase();
  const found = new Set(all.filter(({ name, hosts }) => [name.toLowerCase(), ...hosts].some((text) => text.includes(typed))).map(({ name }) => name));
  for (const box of offered.querySelectorAll('input')) /** @type {HTMLElement} */ (box.parentElement).hidden = !found.has(box.name);
  for (const kind of offered.querySelectorAll('fieldset')) kind.hidden = kind.querySelector('label:not([hidden])') === null;
  find('unfound', HTMLElement).hidden = found.size > 0;
}
search.addEventListener('input', narrow);

find('choose', HTMLFormElement).addEventListener('submit', async (event) => {
  event.preventDefault();
  const chosen = new Set([...offered.querySelectorAll('input:checked')].map((box) => /** @type {HTMLInputElement} */ (box).name));
  const hosts = offeredSites(table).filter(({ name }) => chosen.has(name)).flatMap((site) => site.hosts);
  if (hosts.length === 0) {
    say('choose-answer', words('sites_none_chosen'), 'bad');
    return;
  }
  const answer = await switchOn(hosts);
  say('choose-answer', words(`sites_${answer}`), answer === 'added' ? 'good' : 'bad');
});

const button = find('test', HTMLButtonElement);
button.addEventListener('click', async () => {
  button.disabled = true;
  say('test-answer', words('test_running'), 'good');
  /** @type {import('../shared/messages.js').TestAnswer} */
  const { code, detail, picture } = await ask({ type: 'test-photo', photo: 'pictures/photo.jpg' });
  button.disabled = false;
  if (!picture) {
    say('test-answer', failureWords(code ?? 'internal', detail), 'bad');
    return;
  }
  const lines = verdictLines(picture.report).map((line) => make('li', {}, line));
  find('tested', HTMLElement).replaceChildren(compare(picture, words('test_photo')), make('ul', { className: 'small' }, ...lines));
  const answer = [words(picture.report.protected ? 'test_done' : 'why_not_protected'), ...machinesWords([picture.report])].join(' ');
  say('test-answer', answer, picture.report.protected ? 'good' : 'bad');
});
