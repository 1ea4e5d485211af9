// @ts-check
/**
 * What is cloaked where, as one versioned object, and pure functions over it. Nothing here touches the browser.
 *
 * @typedef {'subtle' | 'balanced' | 'strong'} Strength
 * @typedef {{ mode: 'on' | 'off', protectors: string[], strength: Strength, sensitive: string[] }} Rule
 * @typedef {{ schema: 1, default: Rule, sites: { [host: string]: Partial<Rule> } }} Policy
 * @typedef {{ hosts: string[], mode: 'on' | 'off', channel: { name: string } }} SiteEntry
 */

export const SCHEMA = 1;

/** @type {readonly Strength[]} */
export const STRENGTHS = ['subtle', 'balanced', 'strong'];

/** @type {readonly string[]} what hides a photo's content from machines, in the order that people read them */
export const HIDING = ['objects', 'search', 'scene'];

/** What spoils a photo for people while a chosen service still recognises it; generators that were imported are `visual-NAME`. */
export const VISUAL = 'visual';

/** @type {(name: string) => boolean} */
export const isVisual = (name) => name === VISUAL || name.startsWith(`${VISUAL}-`);

/** @returns {Policy} */
export function initialPolicy() {
  return {
    schema: SCHEMA,
    default: { mode: 'off', protectors: ['objects', 'scene'], strength: 'balanced', sensitive: [] },
    sites: {},
  };
}

/**
 * Reads what storage held. What cannot be understood is an error: silently starting anew would switch sites off.
 * @param {unknown} stored
 * @returns {Policy}
 * @throws {TypeError} for a schema from the future, or anything that is no policy
 */
export function readPolicy(stored) {
  if (stored === undefined || stored === null) return initialPolicy();
  if (!isObject(stored) || stored['schema'] !== SCHEMA || !isObject(stored['sites'])) throw new TypeError('not a policy of this version');
  const initial = initialPolicy();
  /** @type {Policy} */
  const policy = { schema: SCHEMA, default: { ...initial.default, ...readRule(stored['default']) }, sites: {} };
  for (const [host, rule] of Object.entries(stored['sites'])) {
    if (normalHost(host) !== host) throw new TypeError('not a host');
    policy.sites[host] = readRule(rule);
  }
  return policy;
}

/**
 * @param {unknown} value
 * @returns {Partial<Rule>}
 */
function readRule(value) {
  if (!isObject(value)) throw new TypeError('not a rule');
  /** @type {Partial<Rule>} */
  const rule = {};
  const { mode, strength, protectors, sensitive } = value;
  if (mode !== undefined) {
    if (mode !== 'on' && mode !== 'off') throw new TypeError('not a mode');
    rule.mode = mode;
  }
  if (strength !== undefined) {
    const known = STRENGTHS.find((name) => name === strength);
    if (!known) throw new TypeError('not a strength');
    rule.strength = known;
  }
  if (protectors !== undefined) {
    if (!isNames(protectors) || protectors.length === 0) throw new TypeError('not a list of protectors');
    if (protectors.length > 1 && protectors.some(isVisual)) throw new TypeError('visual stands alone');
    rule.protectors = [...protectors];
  }
  if (sensitive !== undefined) {
    if (!isNames(sensitive)) throw new TypeError('not a list of classes');
    rule.sensitive = [...sensitive];
  }
  return rule;
}

/**
 * The rule of a host: exactly that host, as in the content scripts' matches.
 * @param {Policy} policy
 * @param {string} host
 * @returns {Rule}
 */
export function ruleFor(policy, host) {
  return { ...policy.default, ...policy.sites[host] };
}

/**
 * The protectors after a person switched one on or off. Visual stands alone; the last one stays, as a site without is off.
 * @param {readonly string[]} protectors
 * @param {string} name
 * @param {boolean} on
 * @returns {string[]}
 */
export function withProtector(protectors, name, on) {
  if (on && isVisual(name)) return [name];
  const hiding = HIDING.filter((known) => (known === name ? on : protectors.includes(known)));
  return hiding.length ? hiding : [...protectors];
}

/**
 * A new policy with a site's rule changed, or forgotten when `rule` is null.
 * @param {Policy} policy
 * @param {string} host
 * @param {Partial<Rule> | null} rule
 * @returns {Policy}
 * @throws {TypeError} when host or rule is none
 */
export function withRule(policy, host, rule) {
  if (normalHost(host) !== host) throw new TypeError('not a host');
  const sites = { ...policy.sites };
  if (rule === null) delete sites[host];
  else sites[host] = { ...sites[host], ...readRule(rule) };
  return { ...policy, sites };
}

/**
 * Every host that is on, sorted.
 * @param {Policy} policy
 * @returns {string[]}
 */
export function hostsOn(policy) {
  return Object.keys(policy.sites).filter((host) => ruleFor(policy, host).mode === 'on').sort();
}

/**
 * The match patterns of a host: every port and both schemes, and not its subdomains.
 * @param {string} host
 * @returns {string[]}
 */
export function matchesOf(host) {
  return [`http://${host}/*`, `https://${host}/*`];
}

/**
 * The host of what a person typed or of an address, null when there is none that content scripts can be put into.
 * @param {string} text
 * @returns {string | null}
 */
export function normalHost(text) {
  const trimmed = text.trim();
  if (!trimmed) return null;
  let url;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`);
  } catch {
    return null;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  return /^[a-z0-9.-]+$|^\[[0-9a-f:.]+\]$/.test(url.hostname) ? url.hostname : null;
}

/**
 * The name of the upload channel of a host, null when nothing is known of it.
 * @param {{ sites: SiteEntry[] }} table  sites.json
 * @param {string} host
 * @returns {string | null}
 */
export function channelFor(table, host) {
  return table.sites.find((site) => site.hosts.includes(host))?.channel.name ?? null;
}

/** @type {(value: unknown) => value is { [key: string]: unknown }} */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @type {(value: unknown) => value is string[]} */
const isNames = (value) => Array.isArray(value) && value.every((name) => typeof name === 'string' && name.length > 0 && name.length <= 64);
