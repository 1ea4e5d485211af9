// @ts-check
/**
 * Converts the policy to and from items of the browser's synchronised storage: one a site, as an item holds only 8 kB. What another
 * browser wrote is validated like any policy.
 */
import { readPolicy } from './policy.js';

const SITE = 'site:';

/** @type {(policy: import('./policy.js').Policy) => { [key: string]: unknown }} */
export function toItems(policy) {
  const sites = Object.entries(policy.sites).map(([host, rule]) => [SITE + host, rule]);
  return { schema: policy.schema, default: policy.default, ...Object.fromEntries(sites) };
}

/**
 * @param {{ [key: string]: unknown }} items
 * @returns {import('./policy.js').Policy | null} null if no browser has written any
 * @throws {TypeError}
 */
export function fromItems(items) {
  if (items['schema'] === undefined) return null;
  const sites = Object.entries(items).filter(([key]) => key.startsWith(SITE)).map(([key, rule]) => [key.slice(SITE.length), rule]);
  return readPolicy({ schema: items['schema'], default: items['default'], sites: Object.fromEntries(sites) });
}

/**
 * The policy of two browsers that begin to share one: the sites of both; for a site of both, this browser's rule.
 * @type {(here: import('./policy.js').Policy, there: import('./policy.js').Policy) => import('./policy.js').Policy}
 */
export function merged(here, there) {
  return { ...here, sites: { ...there.sites, ...here.sites } };
}

/** Whether two values are the same JSON, whatever the order of their keys, which storages change. @type {(one: unknown, other: unknown) => boolean} */
export function isSame(one, other) {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return one === other;
  const [mine, theirs] = [Object.entries(one), Object.entries(other)];
  return Array.isArray(one) === Array.isArray(other) && mine.length === theirs.length
    && mine.every(([key, value]) => Object.hasOwn(other, key) && isSame(value, /** @type {{ [key: string]: unknown }} */ (other)[key]));
}
