// @ts-check
/** Switches sites on, with the browser's permission for them and for no other. */
import { matchesOf } from '../policy/hosts.js';
import { change } from './requests.js';

/** Only within a person's click. @param {string[]} hosts @returns {Promise<'added' | 'refused'>} */
export async function switchOn(hosts) {
  const granted = await chrome.permissions.request({ origins: hosts.flatMap((host) => matchesOf(host)) });
  if (!granted) return 'refused';
  for (const host of hosts) await change({ type: 'set-site', host, rule: { mode: 'cloak' } });
  return 'added';
}
