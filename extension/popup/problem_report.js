// @ts-check
/** What a person may hand to whoever mends Cloakroom: how things stand, without a photo, a site, a name or a key. */

import { HIDING, MEDIA, MODES, STRENGTHS, UNPROTECTED, VISUAL } from '../policy/rule.js';

/**
 * @param {{ state: import('../shared/messages.js').StateAnswer | null, policy: unknown, version: string, browser: string, when: Date }} known
 *   policy: as it is stored, readable or not
 */
export function problemReport({ state, policy, version, browser, when }) {
  const last = state?.last ?? null;
  const stored = /** @type {{ schema?: unknown, default?: unknown, sites?: object } | null | undefined} */ (policy);
  return {
    about: 'Cloakroom problem report',
    date: when.toISOString(),
    extension: version,
    browser,
    daemon: state && {
      connection: state.connection, version: state.version, worker: state.worker, queued: state.queued, device: state.device,
      models: state.models, protectors: state.protectors.map(masked),
    },
    rules: {
      schema: typeof stored?.schema === 'number' ? stored.schema : null, default: ruleOf(stored?.default), sites: Object.keys(stored?.sites ?? {}).length,
      without_permission: state?.missing.length ?? null, readable: state ? state.unreadable === null : null,
    },
    waiting: state?.waiting ?? null,
    built_ins_not_found: state?.notFound ?? null,
    last: last && {
      outcome: last.outcome, photos: last.photos, seconds: last.seconds, codes: last.codes,
      reports: last.reports.map((report) => Object.fromEntries(MEASURES.map((name) => [name, report[name] ?? null]))),
    },
  };
}

/** What a report says of the work; what models read in the photo is the photo's. */
const MEASURES = ['protected', 'psnr', 'ssim', 'fsim', 'seconds', 'device', 'models', 'width', 'height', 'mime', 'bytes_in', 'bytes_out'];

/** Of a generator that was imported, only that it is one: its name says which service a person uploads to. @param {unknown} name */
function masked(name) {
  return [...HIDING, VISUAL].includes(/** @type {string} */ (name)) ? name : `${VISUAL}-imported`;
}

/** What of a rule is ours to say. Classes and channels are a person's choice: how many, and whether there is one. */
const TOLD = /** @type {{ [field: string]: (value: unknown) => unknown }} */ ({
  mode: (value) => oneOf(MODES, value),
  protectors: (value) => (Array.isArray(value) ? value.map(masked) : null),
  strength: (value) => oneOf(STRENGTHS, value),
  sensitive: (value) => (Array.isArray(value) ? value.length : null),
  channel: (value) => typeof value === 'string',
  unprotected: (value) => oneOf(UNPROTECTED, value),
  media: (value) => oneOf(MEDIA, value),
});

/** @param {unknown} rule as it is stored, readable or not */
function ruleOf(rule) {
  if (typeof rule !== 'object' || rule === null) return null;
  return Object.fromEntries(Object.entries(rule).filter(([field]) => Object.hasOwn(TOLD, field)).map(([field, value]) => [field, TOLD[field]?.(value)]));
}

/** @param {readonly string[]} words @param {unknown} value */
function oneOf(words, value) {
  return words.includes(/** @type {string} */ (value)) ? value : null;
}
