// @ts-check
/** This site on or off, how the daemon is, and what happened last. */
import { matchesOf, normalHost, readPolicy, ruleFor } from '../policy.js';
import { ask, daemonMood, daemonWords, find, localise, resultWords, words } from '../shared/page.js';

localise();
const toggle = find('switch', HTMLInputElement);
const hostNode = find('host', HTMLElement);
const mode = find('mode', HTMLElement);
const reload = find('reload', HTMLElement);

const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
const host = tab?.url ? normalHost(tab.url) : null;

async function showSite() {
  if (!host) {
    hostNode.textContent = words('no_site');
    mode.textContent = words('no_site_why');
    return;
  }
  hostNode.textContent = host;
  const { policy } = await chrome.storage.local.get('policy');
  const on = ruleFor(readPolicy(policy), host).mode === 'on' && await chrome.permissions.contains({ origins: matchesOf(host) });
  toggle.disabled = false;
  toggle.checked = on;
  mode.textContent = words(on ? 'site_on' : 'site_off');
}

toggle.addEventListener('change', async () => {
  if (!host) return;
  const on = toggle.checked;
  // The rule first: the browser's question may close this popup, and the background goes on from the answer.
  const granted = on ? chrome.permissions.request({ origins: matchesOf(host) }) : Promise.resolve(true);
  await ask({ type: 'set-site', host, rule: { mode: on ? 'on' : 'off' } });
  if (!await granted) await ask({ type: 'set-site', host, rule: { mode: 'off' } });
  reload.hidden = false;
  await showSite();
});

find('reload-button', HTMLButtonElement).addEventListener('click', () => {
  if (tab?.id !== undefined) void chrome.tabs.reload(tab.id);
  window.close();
});
find('options', HTMLButtonElement).addEventListener('click', () => {
  void chrome.runtime.openOptionsPage();
  window.close();
});
find('waiting-button', HTMLButtonElement).addEventListener('click', () => {
  void ask({ type: 'show-holds' });
  window.close();
});

async function showState() {
  /** @type {import('../shared/messages.js').StateAnswer | null} */
  const state = await ask({ type: 'state' });
  if (!state) return;
  find('daemon', HTMLElement).textContent = daemonWords(state);
  find('mood', HTMLElement).className = `mood ${daemonMood(state)}`;
  if (state.last) find('last', HTMLElement).textContent = resultWords(state.last);
  const models = find('models', HTMLElement);
  models.hidden = !state.models;
  models.textContent = state.models ? words(`models_${state.models}`) : '';
  find('waiting', HTMLElement).hidden = state.waiting === 0;
  find('waiting-words', HTMLElement).textContent = state.waiting === 1 ? words('one_waiting') : words('many_waiting', String(state.waiting));
}

await showSite();
await showState();
