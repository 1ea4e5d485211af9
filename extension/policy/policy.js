// @ts-check
/**
 * The policy: the rules of all sites, as one versioned object, and pure functions over it. Nothing in this folder touches the browser.
 *
 * @typedef {import('./rule.js').Rule} Rule
 * @typedef {{ [host: string]: Partial<Rule> }} Sites
 * @typedef {{ schema: 2, default: Rule, sites: Sites }} Policy
 * @typedef {{ default: Partial<Rule>, sites: Sites }} Managed  what an organisation fixed
 * @typedef {{ managed?: Managed, once?: Partial<Rule> | null }} Over  what overrides the policy
 */
import { bareHost, normalHost } from './hosts.js';
import { initialRule, isFields, readRule } from './rule.js';

export const SCHEMA = 2;

/** @returns {Policy} */
export function initialPolicy() {
  return { schema: SCHEMA, default: initialRule(), sites: {} };
}

/** Migrations from each schema to the next. @type {{ [schema: number]: (stored: import('./rule.js').Fields) => import('./rule.js').Fields }} */
const MIGRATIONS = {
  // Sites were on or off.
  1: (stored) => {
    const renamed = (/** @type {unknown} */ rule) => (isFields(rule) && rule['mode'] === 'on' ? { ...rule, mode: 'cloak' } : rule);
    const sites = isFields(stored['sites']) ? Object.entries(stored['sites']).map(([host, rule]) => [host, renamed(rule)]) : null;
    return { ...stored, schema: 2, default: renamed(stored['default']), sites: sites && Object.fromEntries(sites) };
  },
};

/**
 * Reads a stored policy. One that cannot be understood is an error: to start anew silently would switch sites off.
 * @param {unknown} stored
 * @returns {Policy}
 * @throws {TypeError} for a future schema, or what is no policy; its message says what is wrong, and where
 */
export function readPolicy(stored) {
  if (stored === undefined || stored === null) return initialPolicy();
  if (!isFields(stored)) throw new TypeError('policy: not an object');
  let fields = stored;
  while (fields['schema'] !== SCHEMA) {
    const migrate = Object.hasOwn(MIGRATIONS, String(fields['schema'])) ? MIGRATIONS[Number(fields['schema'])] : undefined;
    if (!migrate) throw new TypeError(`policy.schema: ${JSON.stringify(fields['schema'])} is none that this version knows`);
    fields = migrate(fields);
  }
  const unknown = Object.keys(fields).find((name) => !['schema', 'default', 'sites'].includes(name));
  if (unknown !== undefined) throw new TypeError(`policy: there is no "${unknown}"`);
  return { schema: SCHEMA, default: readDefault(fields['default']), sites: readSites(fields['sites'], 'policy.sites') };
}

/** Its mode has to be off: a site gets scripts once it is named, as only then its permission is asked for. @type {(value: unknown) => Rule} */
function readDefault(value) {
  const rule = { ...initialRule(), ...readRule(value, 'policy.default') };
  if (rule.mode !== 'off') throw new TypeError('policy.default.mode: only sites are switched on');
  return rule;
}

/** @type {(value: unknown, where: string) => Sites} */
function readSites(value, where) {
  if (!isFields(value)) throw new TypeError(`${where}: not an object`);
  // Names without a final dot are read last, so that they win over the same host with one.
  const entries = Object.entries(value).sort(([one], [two]) => Number(two.endsWith('.')) - Number(one.endsWith('.')));
  return Object.fromEntries(entries.map(([host, rule]) => {
    // Earlier versions kept the final dot of an absolute name.
    const name = bareHost(host);
    if (!name || normalHost(name) !== name) throw new TypeError(`${where}: "${host}" is not a host`);
    return [name, readRule(rule, `${where}["${host}"]`)];
  }));
}

/**
 * Reads what an organisation fixed, in the form of managed_schema.json.
 * @param {unknown} stored
 * @returns {Managed}
 * @throws {TypeError}
 */
export function readManaged(stored) {
  if (stored === undefined || stored === null) return { default: {}, sites: {} };
  if (!isFields(stored)) throw new TypeError('managed: not an object');
  return { default: readRule(stored['default'] ?? {}, 'managed.default'), sites: readSites(stored['sites'] ?? {}, 'managed.sites') };
}

/**
 * The rule of a host, field by field: what an organisation fixed overrides what holds this time only, that overrides the site's
 * own rule, and that overrides the default.
 * @param {Policy} policy
 * @param {string} host
 * @param {Over} over
 * @returns {Rule}
 */
export function ruleFor(policy, host, { managed, once } = {}) {
  return { ...policy.default, ...policy.sites[host], ...once, ...fixedFor(managed, host) };
}

/**
 * The fields of a host's rule that an organisation fixed.
 * @param {Managed | undefined} managed
 * @param {string} host
 * @returns {Partial<Rule>}
 */
export function fixedFor(managed, host) {
  return { ...managed?.default, ...managed?.sites[host] };
}

/**
 * A new policy with a site's rule changed, or removed if `rule` is null.
 * @param {Policy} policy
 * @param {string} host
 * @param {Partial<Rule> | null} rule
 * @returns {Policy}
 * @throws {TypeError} if host or rule is invalid
 */
export function withRule(policy, host, rule) {
  if (normalHost(host) !== host) throw new TypeError(`"${host}" is not a host`);
  const sites = { ...policy.sites };
  if (rule === null) delete sites[host];
  else sites[host] = { ...sites[host], ...readRule(rule, host) };
  return { ...policy, sites };
}

/**
 * A new policy with the default changed.
 * @param {Policy} policy
 * @param {Partial<Rule>} rule
 * @returns {Policy}
 * @throws {TypeError}
 */
export function withDefault(policy, rule) {
  return { ...policy, default: readDefault({ ...policy.default, ...rule }) };
}

/**
 * Every host that is on, sorted.
 * @param {Policy} policy
 * @param {Managed} [managed]
 * @returns {string[]}
 */
export function hostsOn(policy, managed) {
  const hosts = new Set([...Object.keys(policy.sites), ...Object.keys(managed?.sites ?? {})]);
  return [...hosts].filter((host) => ruleFor(policy, host, { managed }).mode !== 'off').sort();
}

/** The policy as the text of a file. @param {Policy} policy */
export function exportPolicy(policy) {
  return `${JSON.stringify(policy, null, 2)}\n`;
}

/**
 * @param {string} text a file's
 * @returns {Policy}
 * @throws {TypeError} whose message says what is wrong, and where
 */
export function importPolicy(text) {
  let stored;
  try {
    stored = JSON.parse(text);
  } catch {
    throw new TypeError('the file is not JSON');
  }
  // In storage null means the initial policy; in a file it is a mistake.
  if (stored === null) throw new TypeError('policy: not an object');
  return readPolicy(stored);
}
