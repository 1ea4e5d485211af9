// @ts-check
/**
 * "This time only": a rule for the next upload of a site in one tab. It ends with that upload, or with the tab. storage.session keeps
 * it in memory, beyond the life of the background.
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

/** Removes the rule: the person changed their mind, or the tab is closed. @param {number} tab */
export const forgetOnce = (tab) => changeOnces((onces) => { delete onces[String(tab)]; });

/**
 * Takes the rule for an upload; no other upload gets it meanwhile.
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

/** Removes the rule of an upload that is done; gives that of an abandoned one to the next. @type {(tab: number | undefined, hold: string, isDone: boolean) => Promise<void>} */
export const endOnce = (tab, hold, isDone) => changeOnces((onces) => {
  const once = onces[String(tab)];
  if (once?.hold !== hold) return;
  if (isDone) delete onces[String(tab)];
  else once.hold = null;
});
