// @ts-check
/**
 * "This time only": a rule for the next upload of a site in one tab. It ends with that upload, or with the tab, and is kept in
 * memory only, yet outlives the background.
 */
import { readRule } from '../policy/rule.js';
import { inTurn } from './settings.js';

/** @typedef {import('../shared/stored_rules.js').Onces} Onces */

/** @param {(onces: Onces) => void} change */
function changeOnces(change) {
  return inTurn(async () => {
    const { once } = await chrome.storage.session.get('once');
    const onces = /** @type {Onces} */ (once ?? {});
    change(onces);
    await chrome.storage.session.set({ once: onces });
  });
}

/** @type {(tab: number, host: string, rule: Partial<import('../policy/rule.js').Rule>) => Promise<void>} */
export const setOnce = (tab, host, rule) => changeOnces((onces) => {
  onces[String(tab)] = { host, rule: readRule(rule, 'once'), hold: null };
});

/** The person thought better of it, or the tab is closed. @param {number} tab */
export const forgetOnce = (tab) => changeOnces((onces) => { delete onces[String(tab)]; });

/**
 * Takes the rule for an upload; another one that comes meanwhile does not get it.
 * @param {number | undefined} tab
 * @param {string} host
 * @param {string} hold
 * @returns {Promise<Partial<import('../policy/rule.js').Rule> | null>}
 */
export async function claimOnce(tab, host, hold) {
  const { once: kept } = await chrome.storage.session.get('once');
  if (!(/** @type {Onces | undefined} */ (kept)?.[String(tab)])) return null;
  /** @type {Partial<import('../policy/rule.js').Rule> | null} */
  let claimed = null;
  await changeOnces((onces) => {
    const once = onces[String(tab)];
    if (once?.host !== host || (once.hold ?? hold) !== hold) return;
    once.hold = hold;
    claimed = once.rule;
  });
  return claimed;
}

/** The upload came to its end, or was given up before one: then the next has the rule. @type {(tab: number | undefined, hold: string, isDone: boolean) => Promise<void>} */
export const endOnce = (tab, hold, isDone) => changeOnces((onces) => {
  const once = onces[String(tab)];
  if (once?.hold !== hold) return;
  if (isDone) delete onces[String(tab)];
  else once.hold = null;
});
