// @ts-check
/** Shares the policy among a person's browsers through the browser's synchronised storage, if they want that. */
import { readPolicy } from '../policy/policy.js';
import { fromItems, isSame, merged, toItems } from '../policy/sync_items.js';
import { randomHex } from './protocol.js';
import { changePolicy } from './settings.js';

/** The key of who wrote last: what this browser wrote itself must not undo later changes here. */
const WRITER = 'writer';

/** This browser's name in the storage; null if nothing is synchronised. @returns {Promise<string | null>} */
async function ownName() {
  const { sync } = await chrome.storage.local.get('sync');
  return typeof sync === 'string' ? sync : null;
}

/** Writes what changed, and removes what is gone. */
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

/** Takes over what another browser wrote. Throws, and changes nothing, if this version cannot read it. */
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
