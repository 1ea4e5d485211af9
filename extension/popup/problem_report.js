// @ts-check
/** The problem report, for a person to hand to whoever fixes Cloakroom: the state of things, without a photo, a site, a name or a key. */

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

/** The fields of a photo's report that say nothing about its content. */
const MEASURES = ['protected', 'psnr', 'ssim', 'fsim', 'delta_e', 'seconds', 'device', 'models', 'width', 'height', 'mime', 'bytes_in', 'bytes_out'];

/** A protector's name; an imported generator's is masked, as it says which service a person uploads to. @param {unknown} name */
function masked(name) {
  return [...HIDING, VISUAL].includes(/** @type {string} */ (name)) ? name : `${VISUAL}-imported`;
}

/** The report's words for each field of a rule. Classes and channels are private: it tells only how many, and whether there is one. */
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
