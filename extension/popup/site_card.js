// @ts-check
/** The popup's card of this tab's site: the switch, what happens to its photos, and "this time only". */
import { matchesOf, normalHost, siteOf } from '../policy/hosts.js';
import { MODES, STRENGTHS } from '../policy/rule.js';
import { find, make, words } from '../shared/dom.js';
import { change } from '../shared/requests.js';
import { isFixed, loadRules, ruleIn } from '../shared/stored_rules.js';
import { fillTiles } from '../shared/tiles.js';
import { channelOfServer } from './server_software.js';

/** @typedef {import('../policy/rule.js').Rule} Rule */

const toggle = find('switch', HTMLInputElement);
const reload = find('reload', HTMLElement);

/** The tab that the popup is about. A popup that is opened in a tab of its own gets it in its address. */
async function subjectTab() {
  const asked = Number(new URLSearchParams(location.search).get('tab'));
  if (asked) return chrome.tabs.get(asked);
  const [active] = await chrome.tabs.query({ active: true, currentWindow: true });
  return active;
}

const tab = await subjectTab();
const host = tab?.url ? normalHost(tab.url) : null;

/** @param {Partial<Rule>} rule */
async function setRule(rule) {
  if (host) await change({ type: 'set-site', host, rule });
  await showSite();
}

/** @param {Partial<Rule> | null} rule */
async function setOnce(rule) {
  if (!host || tab?.id === undefined) return;
  const isNew = rule !== null && rule.mode !== 'off' && !toggle.checked;
  // A site that is off otherwise may lack the permission.
  const granted = isNew ? chrome.permissions.request({ origins: matchesOf(host) }) : Promise.resolve(true);
  await change({ type: 'set-once', tab: tab.id, host, rule });
  if (!await granted) await change({ type: 'set-once', tab: tab.id, host, rule: null });
  if (isNew) reload.hidden = false;
  await showSite();
}

export async function showSite() {
  const hostNode = find('host', HTMLElement);
  const mode = find('mode', HTMLElement);
  if (!host) {
    hostNode.textContent = words('no_site');
    mode.textContent = words('no_site_why');
    return;
  }
  hostNode.textContent = host;
  const rules = await loadRules().catch(() => null);
  // The popup says above what is wrong with them.
  if (!rules) return;
  const rule = ruleIn(rules, host, undefined);
  const isPermitted = await chrome.permissions.contains({ origins: matchesOf(host, false) });
  const isOn = rule.mode !== 'off' && isPermitted;
  toggle.disabled = isFixed(rules, host, 'mode') && isPermitted;
  toggle.checked = isOn;
  mode.textContent = words(isOn ? `site_${rule.mode}` : 'site_off');
  find('fixed', HTMLElement).hidden = !isFixed(rules, host, 'mode');
  showTiles(rules, rule, isOn);
  showOnce(rules, rule);
}

/** @type {(rules: import('../shared/stored_rules.js').Rules, rule: Rule, isOn: boolean) => void} */
function showTiles(rules, rule, isOn) {
  const site = String(host);
  const modes = find('modes', HTMLFieldSetElement);
  const strengths = find('strengths', HTMLFieldSetElement);
  // Drawing the tiles anew loses the focus, which a person at the keyboard needs.
  const focused = document.activeElement instanceof HTMLInputElement ? document.activeElement : null;
  modes.hidden = !isOn;
  modes.disabled = isFixed(rules, site, 'mode');
  fillTiles(modes, { choices: MODES.filter((name) => name !== 'off'), chosen: rule.mode, stem: 'mode_', choose: (mode) => { void setRule({ mode }); } });
  strengths.hidden = !isOn || rule.mode === 'block';
  strengths.disabled = isFixed(rules, site, 'strength');
  fillTiles(strengths, {
    choices: STRENGTHS, chosen: rule.strength, stem: 'strength_', picture: (name) => `../pictures/${name}.jpg`,
    choose: (strength) => { void setRule({ strength }); },
  });
  const again = focused?.type === 'radio' && document.querySelector(`input[name="${focused.name}"][value="${focused.value}"]`);
  if (again instanceof HTMLElement) again.focus();
}

/** @type {(rules: import('../shared/stored_rules.js').Rules, rule: Rule) => void} */
function showOnce(rules, rule) {
  const details = find('once', HTMLDetailsElement);
  const once = rules.onces[String(tab?.id)];
  const now = once?.host === host ? once.rule.mode : undefined;
  details.hidden = isFixed(rules, String(host), 'mode');
  if (now) details.open = true;
  find('once-words', HTMLElement).textContent = now ? words(`once_${now}`) : words('once_note');
  const choices = MODES.filter((mode) => mode !== now && mode !== rule.mode).map((mode) => (
    make('button', { type: 'button', name: mode, onclick: () => { void setOnce({ mode }); } }, words(mode === 'off' ? 'once_choice_off' : `mode_${mode}`))
  ));
  const undo = make('button', { type: 'button', name: 'undo', onclick: () => { void setOnce(null); } }, words('once_undo'));
  find('once-choices', HTMLElement).replaceChildren(...choices, ...now ? [undo] : []);
}

toggle.addEventListener('change', async () => {
  if (!host) return;
  const isOn = toggle.checked;
  // The rule first: the browser's question may close this popup, and then the background acts on the answer.
  const granted = isOn ? chrome.permissions.request({ origins: matchesOf(host) }) : Promise.resolve(true);
  await change({ type: 'set-site', host, rule: { mode: isOn ? 'cloak' : 'off' } });
  if (!await granted) await change({ type: 'set-site', host, rule: { mode: 'off' } });
  reload.hidden = false;
  await showSite();
  if (isOn) await recognise();
});

/** Stores the upload channel of a site that is not in the table but says what software it runs. */
async function recognise() {
  /** @type {import('../policy/hosts.js').SiteTable} */
  const table = await (await fetch(chrome.runtime.getURL('sites.json'))).json();
  if (!host || tab?.id === undefined || siteOf(table, host)) return;
  const channel = await channelOfServer(table, tab.id);
  if (channel) await change({ type: 'set-site', host, rule: { channel } });
}

find('reload-button', HTMLButtonElement).addEventListener('click', () => {
  if (tab?.id !== undefined) void chrome.tabs.reload(tab.id);
  window.close();
});
