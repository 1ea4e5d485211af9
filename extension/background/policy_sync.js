// @ts-check
/** Carries the policy between a person's browsers by the browser's own synchronised storage, if they want that. */
import { readPolicy } from '../policy/policy.js';
import { fromItems, isSame, merged, toItems } from '../policy/sync_items.js';
import { randomHex } from './protocol.js';
import { changePolicy } from './settings.js';

/** Who wrote last: what this browser wrote itself must not undo what changed here meanwhile. */
const WRITER = 'writer';

/** This browser's name in there, null where nothing is to be synchronised. @returns {Promise<string | null>} */
async function ownName() {
  const { sync } = await chrome.storage.local.get('sync');
  return typeof sync === 'string' ? sync : null;
}

/** Writes what differs, and takes away what is no more. */
export async function push() {
  const name = await ownName();
  if (!name) return;
  const { policy } = await chrome.storage.local.get('policy');
  const items = toItems(readPolicy(policy));
  const there = await chrome.storage.sync.get();
  const gone = Object.keys(there).filter((key) => key !== WRITER && !(key in items));
  const changed = Object.entries(items).filter(([key, value]) => !isSame(there[key], value));
  if (gone.length === 0 && changed.length === 0) return;
  await chrome.storage.sync.set({ ...Object.fromEntries(changed), [WRITER]: name });
  if (gone.length) await chrome.storage.sync.remove(gone);
}

/** Takes what another browser wrote. What this version cannot read is an error, and changes nothing here. */
export async function pull() {
  const name = await ownName();
  if (!name) return;
  const items = await chrome.storage.sync.get();
  const there = items[WRITER] === name ? null : fromItems(items);
  if (there) await changePolicy((here) => (isSame(here, there) ? here : there));
}

/** @param {boolean} on */
export async function setSync(on) {
  if (!on) {
    await chrome.storage.local.remove('sync');
    return;
  }
  const there = fromItems(await chrome.storage.sync.get());
  if (there) await changePolicy((here) => merged(here, there));
  await chrome.storage.local.set({ sync: randomHex(8) });
  await push();
}
