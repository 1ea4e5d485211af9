// @ts-check
/** The table of sites and their rules. */
import { matchesOf } from '../policy/hosts.js';
import { hostsOn, ruleFor } from '../policy/policy.js';
import { HIDING, MEDIA, MODES, STRENGTHS, UNPROTECTED, VISUAL, withProtector } from '../policy/rule.js';
import { find, make, say, words } from '../shared/dom.js';
import { change } from '../shared/requests.js';
import { isFixed, loadRules } from '../shared/stored_rules.js';
import { switchOn } from '../shared/switch_on.js';

/** @typedef {import('../policy/rule.js').Rule} Rule */

const sites = find('sites', HTMLTableSectionElement);
/** @type {string[]} the protectors of imported generators; known once the daemon answered */
let generators = [];
/** The last drawing: each waits for the one before. @type {Promise<void>} */
let drawing = Promise.resolve();
/** The data of the last drawing. The table is not drawn again from the same data, as a click may be under way. */
let drawn = '';

/** @param {string[]} [told] the daemon's generators */
export function showSites(told) {
  if (told) generators = told;
  drawing = drawing.then(draw).catch((error) => { say('add-answer', words('unreadable', String(error.message)), 'bad'); });
  return drawing;
}

async function draw() {
  const rules = await loadRules();
  const hosts = [...new Set([...Object.keys(rules.policy.sites), ...Object.keys(rules.managed.sites)])].sort();
  const missing = new Set();
  for (const host of hostsOn(rules.policy, rules.managed)) {
    if (!await chrome.permissions.contains({ origins: matchesOf(host, false) })) missing.add(host);
  }
  const now = JSON.stringify([rules, [...missing], generators]);
  if (now === drawn) return;
  drawn = now;
  const open = new Set([...sites.querySelectorAll('details[open]')].map((node) => node.getAttribute('data-host')));
  const focused = document.activeElement?.id ?? '';
  sites.replaceChildren(...hosts.flatMap((host) => rows(rules, host, missing.has(host), open.has(host))));
  if (focused) document.getElementById(focused)?.focus();
  find('no-sites', HTMLElement).hidden = hosts.length > 0;
}

/** Has the next drawing undo a click that was not stored. */
function undo() {
  drawn = '';
}

/** @type {(host: string, rule: Partial<Rule> | null) => Promise<void>} */
async function set(host, rule) {
  const error = await change({ type: 'set-site', host, rule });
  if (error) {
    say('add-answer', error, 'bad');
    undo();
  }
  await showSites();
}

/** @type {(rules: import('../shared/stored_rules.js').Rules, host: string, isMissing: boolean, isOpen: boolean) => HTMLElement[]} */
function rows(rules, host, isMissing, isOpen) {
  const rule = ruleFor(rules.policy, host, { managed: rules.managed });
  const allow = make('button', { type: 'button', onclick: async () => {
    say('add-answer', words(`sites_${await switchOn([host])}`), 'good');
    await showSites();
  } }, words('missing_allow'));
  allow.setAttribute('aria-label', words('missing_allow_label', host));
  const warning = isMissing ? [make('span', { className: 'warn' }, words('site_missing')), allow] : [];
  const name = make('th', { scope: 'row' }, host, ...warning);
  const remove = make('button', { type: 'button', className: 'plain', disabled: !(host in rules.policy.sites), onclick: async () => {
    await set(host, null);
    await chrome.permissions.remove({ origins: matchesOf(host) }).catch(() => false);
    await showSites();
  } }, words('site_forget'));
  remove.setAttribute('aria-label', words('site_forget_label', host));
  const row = make('tr', {}, name, make('td', {}, choice(rules, host, rule, 'mode', MODES)), make('td', {}, choice(rules, host, rule, 'strength', STRENGTHS)), make('td', {}, remove));
  const cell = make('td', { colSpan: 4 }, details(rules, host, rule, isOpen));
  return [row, make('tr', { className: 'detail' }, cell)];
}

/**
 * @template {'mode' | 'strength' | 'unprotected' | 'media'} Field
 * @param {import('../shared/stored_rules.js').Rules} rules
 * @param {string} host
 * @param {Rule} rule
 * @param {Field} field
 * @param {readonly Rule[Field][]} choices
 */
function choice(rules, host, rule, field, choices) {
  const select = make('select', { id: `${field}-${host}`, disabled: isFixed(rules, host, field), onchange: async (/** @type {Event} */ event) => {
    const chosen = choices.find((name) => name === /** @type {HTMLSelectElement} */ (event.target).value);
    // A site that is switched on may lack the browser's permission.
    if (field === 'mode' && chosen !== 'off' && !await chrome.permissions.request({ origins: matchesOf(host) })) {
      say('add-answer', words('sites_refused'), 'bad');
      undo();
      await showSites();
    } else if (chosen) await set(host, { [field]: chosen });
  } }, ...choices.map((name) => make('option', { value: name, selected: name === rule[field] }, words(`${field}_${name}`))));
  select.setAttribute('aria-label', words(`label_${field}`, host));
  return select;
}

/** @type {(rules: import('../shared/stored_rules.js').Rules, host: string, rule: Rule, isOpen: boolean) => HTMLElement} */
function details(rules, host, rule, isOpen) {
  // The rule's protectors are shown even while the daemon, which knows the generators, is away.
  const boxes = [...new Set([...HIDING, VISUAL, ...generators, ...rule.protectors])].map((name) => {
    const box = make('input', { type: 'checkbox', id: `${name}-${host}`, name, checked: rule.protectors.includes(name), disabled: isFixed(rules, host, 'protectors'), onchange: async (/** @type {Event} */ event) => {
      const isOn = /** @type {HTMLInputElement} */ (event.target).checked;
      // From the current rule: another box may have been clicked since this one was drawn.
      const { policy } = await loadRules();
      await set(host, { protectors: withProtector(ruleFor(policy, host).protectors, name, isOn) });
    } });
    const [, generator] = /^visual-(.+)$/.exec(name) ?? [];
    return make('label', {}, box, generator ? words('protect_imported', generator) : words(`protect_${name}`));
  });
  const more = [
    make('label', {}, words('unprotected_title'), choice(rules, host, rule, 'unprotected', UNPROTECTED)),
    make('label', {}, words('media_title'), choice(rules, host, rule, 'media', MEDIA)),
  ];
  const node = make('details', { open: isOpen }, make('summary', {}, words('protect_title')), ...boxes, ...more);
  node.setAttribute('data-host', host);
  return node;
}
