// @ts-check
/** The options page: pairing and models, sites, history, and the rules as a whole. */
import { normalHost } from '../policy/hosts.js';
import { VISUAL, isVisual } from '../policy/rule.js';
import { find, localise, make, say, words } from '../shared/dom.js';
import { showPairing } from '../shared/pairing_form.js';
import { switchOn } from '../shared/switch_on.js';
import { watchHistory } from './history_section.js';
import { watchRules } from './rules_section.js';
import { showSites } from './sites_table.js';

localise();
// Before any wait: a quick person finds every form listened to.
watchHistory();
watchRules();
void showSites();
void showPairing((state) => {
  showModels(state);
  void showSites(state.protectors.filter((name) => isVisual(name) && name !== VISUAL));
});

/** @param {string[]} hosts */
async function add(hosts) {
  const answer = await switchOn(hosts);
  say('add-answer', words(`sites_${answer}`), answer === 'added' ? 'good' : 'bad');
  await showSites();
}

find('add', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  const site = find('site', HTMLInputElement);
  const host = normalHost(site.value);
  if (!host) {
    say('add-answer', words('sites_unreadable'), 'bad');
    return;
  }
  site.value = '';
  void add([host]);
});

find('known', HTMLButtonElement).addEventListener('click', () => { void chrome.tabs.create({ url: chrome.runtime.getURL('onboarding/onboarding.html#sites') }); });

/** @param {import('../shared/messages.js').StateAnswer} state */
function showModels({ models, device, version, protectors }) {
  const told = models ? [
    ['model_set', words(`models_${models}`)], ['model_device', device], ['model_version', version],
    ['model_protectors', protectors.map((name) => (isVisual(name) && name !== VISUAL ? name : words(`reads_${name}`))).join(', ')],
  ] : [];
  find('models', HTMLElement).replaceChildren(...told.flatMap(([name, value]) => [make('dt', {}, words(String(name))), make('dd', {}, String(value))]));
}
