// @ts-check
/**
 * A rule: what happens to the photos of one site.
 *
 * @typedef {'off' | 'ask' | 'cloak' | 'block'} Mode  off: untouched; ask: a person is asked before a photo is sent anywhere;
 *   cloak: every photo is cloaked; block: no photo goes
 * @typedef {'instant' | 'subtle' | 'balanced' | 'strong'} Strength
 * @typedef {'ask' | 'attempt' | 'original' | 'cancel'} Unprotected  what happens to a photo that machines still recognise
 * @typedef {'ask' | 'original' | 'cancel'} Media  what happens to images that cannot be cloaked at all
 * @typedef {{ mode: Mode, protectors: string[], strength: Strength, sensitive: string[], channel: string | null,
 *   unprotected: Unprotected, media: Media }} Rule  channel: overrides the host's in sites.json
 * @typedef {{ [name: string]: unknown }} Fields
 */

/** @type {readonly Mode[]} */
export const MODES = ['off', 'ask', 'cloak', 'block'];

/** @type {readonly Strength[]} */
export const STRENGTHS = ['instant', 'subtle', 'balanced', 'strong'];

/** @type {readonly Unprotected[]} */
export const UNPROTECTED = ['ask', 'attempt', 'original', 'cancel'];

/** @type {readonly Media[]} */
export const MEDIA = ['ask', 'original', 'cancel'];

/** @type {readonly string[]} protectors that hide a photo's content from machines, in the order in which they are shown */
export const HIDING = ['objects', 'search', 'scene'];

/** The protector that spoils a photo for people while a chosen service still recognises it; imported generators are `visual-NAME`. */
export const VISUAL = 'visual';

/** The most that a protocol message takes. */
const MAX_PROTECTORS = 8;
const MAX_CLASSES = 128;

/** @type {(name: string) => boolean} */
export const isVisual = (name) => name === VISUAL || name.startsWith(`${VISUAL}-`);

/** @returns {Rule} the rule of a site about which nothing was said */
export function initialRule() {
  return { mode: 'off', protectors: ['objects', 'scene'], strength: 'balanced', sensitive: [], channel: null, unprotected: 'ask', media: 'ask' };
}

/**
 * @param {unknown} value
 * @param {string} where for the error's message
 * @returns {Partial<Rule>}
 * @throws {TypeError} whose message says what is wrong, and where
 */
export function readRule(value, where) {
  if (!isFields(value)) throw new TypeError(`${where}: not an object`);
  /** @type {Partial<Rule>} */
  const rule = {};
  for (const [name, field] of Object.entries(value)) {
    const read = READERS[/** @type {keyof Rule} */ (name)];
    if (!Object.hasOwn(READERS, name) || !read) throw new TypeError(`${where}: there is no "${name}"`);
    Object.assign(rule, { [name]: read(field, `${where}.${name}`) });
  }
  return rule;
}

/**
 * @template {string} T
 * @param {readonly T[]} choices
 * @returns {(value: unknown, where: string) => T}
 */
const oneOf = (choices) => (value, where) => {
  const known = choices.find((choice) => choice === value);
  if (known === undefined) throw new TypeError(`${where}: not one of ${choices.join(', ')}`);
  return known;
};

/** @type {(most: number, pattern: RegExp) => (value: unknown, where: string) => string[]} */
const names = (most, pattern) => (value, where) => {
  if (!Array.isArray(value) || value.length > most || !value.every((name) => typeof name === 'string' && pattern.test(name))) {
    throw new TypeError(`${where}: not a list of at most ${most} names`);
  }
  return [...value];
};

const readNames = names(MAX_PROTECTORS, /^[a-z][a-z0-9_-]{0,31}$/);

/** @type {{ [Name in keyof Rule]: (value: unknown, where: string) => Rule[Name] }} */
const READERS = {
  mode: oneOf(MODES),
  strength: oneOf(STRENGTHS),
  unprotected: oneOf(UNPROTECTED),
  media: oneOf(MEDIA),
  sensitive: names(MAX_CLASSES, /^[^\0-\x1f]{1,64}$/),
  protectors(value, where) {
    const protectors = readNames(value, where);
    if (protectors.length === 0) throw new TypeError(`${where}: at least one protector`);
    if (protectors.length > 1 && protectors.some(isVisual)) throw new TypeError(`${where}: visual stands alone`);
    return protectors;
  },
  channel(value, where) {
    if (value === null) return null;
    if (typeof value !== 'string' || !/^[a-z][a-z0-9_-]{0,31}$/.test(value)) throw new TypeError(`${where}: not a channel's name`);
    return value;
  },
};

/**
 * The protectors after a person switched one on or off. Visual stands alone; the last one stays, as a rule needs at least one.
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

/** @type {(value: unknown) => value is Fields} */
export const isFields = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
