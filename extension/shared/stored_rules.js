// @ts-check
/** Reads the stored rules: the person's policy, what an organisation fixed, and what holds this time only. */
import { fixedFor, readManaged, readPolicy, ruleFor } from '../policy/policy.js';

/**
 * @typedef {{ host: string, rule: Partial<import('../policy/rule.js').Rule>, hold: string | null }} Once  hold: the upload that took it, if
 *   one has
 * @typedef {{ [tab: string]: Once }} Onces
 * @typedef {{ policy: import('../policy/policy.js').Policy, managed: import('../policy/policy.js').Managed, onces: Onces }} Rules
 */

/** @throws {TypeError} if the stored policy or the managed rules cannot be read */
export async function loadRules() {
  const [{ policy }, managed, { once }] = await Promise.all([
    chrome.storage.local.get('policy'), loadManaged(), chrome.storage.session.get('once'),
  ]);
  /** @type {Rules} */
  const rules = { policy: readPolicy(policy), managed: readManaged(managed), onces: /** @type {Onces | undefined} */ (once) ?? {} };
  return rules;
}

async function loadManaged() {
  try {
    return await chrome.storage.managed.get();
  } catch (error) {
    // Firefox's answer where nothing is managed. Other errors are thrown, lest fixed rules be lost silently.
    if (/manifest not found/i.test(String(error))) return null;
    throw error;
  }
}

/** The rule of a host in a tab. @type {(rules: Rules, host: string, tab: number | undefined) => import('../policy/rule.js').Rule} */
export function ruleIn({ policy, managed, onces }, host, tab) {
  const once = onces[String(tab)];
  return ruleFor(policy, host, { managed, once: once?.host === host ? once.rule : null });
}

/** Whether an organisation fixed a field of a host's rule. @type {(rules: Rules, host: string, field: keyof import('../policy/rule.js').Rule) => boolean} */
export const isFixed = ({ managed }, host, field) => field in fixedFor(managed, host);
