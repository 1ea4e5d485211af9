// @ts-check
/** Switches sites on, with the browser's permission for these alone. */
import { matchesOf } from '../policy/hosts.js';
import { change } from './requests.js';

/** Has to be called within a person's click. @param {string[]} hosts @returns {Promise<'added' | 'refused'>} */
export async function switchOn(hosts) {
  const granted = await chrome.permissions.request({ origins: hosts.flatMap((host) => matchesOf(host)) });
  if (!granted) return 'refused';
  for (const host of hosts) await change({ type: 'set-site', host, rule: { mode: 'cloak' } });
  return 'added';
}
