// @ts-check
/** Pairing with the daemon, and the list of sites with what each gets. */
import { HIDING, STRENGTHS, VISUAL, hostsOn, isVisual, matchesOf, normalHost, readPolicy, ruleFor, withProtector } from '../policy.js';
import { ask, daemonMood, daemonWords, find, localise, make, words } from '../shared/page.js';

localise();
const code = find('code', HTMLInputElement);
const port = find('port', HTMLInputElement);
const site = find('site', HTMLInputElement);
const sites = find('sites', HTMLUListElement);
/** @type {string[]} the protectors by generators that the daemon was given; known once it answered */
let generators = [];
find('pair-how', HTMLElement).textContent = words('pair_how', 'cloakroom pair');

/** @type {(id: string, message: string, mood: 'good' | 'bad') => void} */
function say(id, message, mood) {
  const node = find(id, HTMLElement);
  node.className = `small ${mood}`;
  node.textContent = message;
}

async function showState() {
  /** @type {import('../shared/messages.js').StateAnswer | null} */
  const state = await ask({ type: 'state' });
  if (!state) return;
  find('daemon', HTMLElement).textContent = daemonWords(state);
  find('mood', HTMLElement).className = `mood ${daemonMood(state)}`;
  if (!port.value) port.value = String(state.port);
  const told = state.protectors.filter((name) => isVisual(name) && name !== VISUAL);
  if (told.join() !== generators.join()) {
    generators = told;
    await showSites();
  }
}

find('pair', HTMLFormElement).addEventListener('submit', async (event) => {
  event.preventDefault();
  /** @type {import('../shared/messages.js').PairAnswer | null} */
  const answer = await ask({ type: 'pair', port: Number(port.value), code: code.value });
  code.value = '';
  if (answer?.ok) say('pair-answer', words('pair_done'), 'good');
  else say('pair-answer', words(`pair_${answer?.reason ?? 'unreachable'}`), 'bad');
  await showState();
});

/** @param {string[]} hosts */
async function switchOn(hosts) {
  const granted = await chrome.permissions.request({ origins: hosts.flatMap(matchesOf) });
  if (!granted) {
    say('add-answer', words('sites_refused'), 'bad');
    return;
  }
  for (const host of hosts) await ask({ type: 'set-site', host, rule: { mode: 'on' } });
  say('add-answer', words('sites_added'), 'good');
  await showSites();
}

find('add', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  const host = normalHost(site.value);
  if (!host) {
    say('add-answer', words('sites_unreadable'), 'bad');
    return;
  }
  site.value = '';
  void switchOn([host]);
});

/** @type {{ sites: import('../policy.js').SiteEntry[] }} */
const table = await (await fetch(chrome.runtime.getURL('sites.json'))).json();
find('known', HTMLButtonElement).addEventListener('click', () => {
  void switchOn(table.sites.filter(({ mode }) => mode === 'on').flatMap(({ hosts }) => hosts));
});

async function showSites() {
  const { policy: stored } = await chrome.storage.local.get('policy');
  const policy = readPolicy(stored);
  const permitted = new Set();
  for (const host of hostsOn(policy)) {
    if (await chrome.permissions.contains({ origins: matchesOf(host) })) permitted.add(host);
  }
  const open = new Set([...sites.querySelectorAll('details[open]')].map((node) => node.getAttribute('data-host')));
  sites.replaceChildren(...Object.keys(policy.sites).sort().map((host) => line(policy, host, permitted.has(host), open.has(host))));
}

/**
 * What a site's photos are protected from.
 * @param {string} host
 * @param {string[]} protectors
 * @param {boolean} open
 */
function protections(host, protectors, open) {
  // What is chosen is shown also while the daemon, which knows the generators, is away.
  const boxes = [...new Set([...HIDING, VISUAL, ...generators, ...protectors])].map((name) => {
    const box = make('input', { type: 'checkbox', name, checked: protectors.includes(name), onchange: async (/** @type {Event} */ event) => {
      const on = /** @type {HTMLInputElement} */ (event.target).checked;
      // From what holds now: another box may have been clicked since this one was drawn.
      const { policy } = await chrome.storage.local.get('policy');
      const now = ruleFor(readPolicy(policy), host).protectors;
      await ask({ type: 'set-site', host, rule: { protectors: withProtector(now, name, on) } });
      await showSites();
    } });
    const [, generator] = /^visual-(.+)$/.exec(name) ?? [];
    return make('label', {}, box, generator ? words('protect_imported', generator) : words(`protect_${name}`));
  });
  const details = make('details', { open }, make('summary', {}, words('protect_title')), ...boxes);
  details.setAttribute('data-host', host);
  return details;
}

/** @type {(policy: import('../policy.js').Policy, host: string, on: boolean, open: boolean) => HTMLElement} */
function line(policy, host, on, open) {
  const rule = ruleFor(policy, host);
  const toggle = make('input', { type: 'checkbox', className: 'switch', checked: on, onchange: async () => {
    if (!on) await switchOn([host]);
    else await ask({ type: 'set-site', host, rule: { mode: 'off' } });
    await showSites();
  } });
  toggle.setAttribute('role', 'switch');
  toggle.setAttribute('aria-label', words('site_switch', host));
  const strength = make('select', { onchange: async (/** @type {Event} */ event) => {
    const chosen = STRENGTHS.find((name) => name === /** @type {HTMLSelectElement} */ (event.target).value);
    if (chosen) await ask({ type: 'set-site', host, rule: { strength: chosen } });
  } }, ...STRENGTHS.map((name) => make('option', { value: name, selected: name === rule.strength }, words(`strength_${name}`))));
  strength.setAttribute('aria-label', words('site_strength', host));
  const remove = make('button', { type: 'button', className: 'plain', onclick: async () => {
    await ask({ type: 'set-site', host, rule: null });
    await chrome.permissions.remove({ origins: matchesOf(host) }).catch(() => false);
    await showSites();
  } }, words('site_forget'));
  remove.setAttribute('aria-label', words('site_forget_label', host));
  return make('li', {}, make('span', { className: 'name' }, host), strength, toggle, remove, protections(host, rule.protectors, open));
}

await showSites();
await showState();
