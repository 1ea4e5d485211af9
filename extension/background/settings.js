// @ts-check
/** What is kept: the policy and the pairing in storage.local, the last result in storage.session, and no photo anywhere. */
import { readPolicy, withRule } from '../policy.js';

/** Keeps the key from content scripts; Firefox never shows storage.local's session area to them, and lacks the call. */
export async function lock() {
  await chrome.storage.local.setAccessLevel?.({ accessLevel: 'TRUSTED_CONTEXTS' });
}

/** @throws {TypeError} when what is stored is no policy of this version */
export async function loadPolicy() {
  const { policy } = await chrome.storage.local.get('policy');
  return readPolicy(policy);
}

/** One change after the other: each builds on the one before. @type {Promise<unknown>} */
let writing = Promise.resolve();

/** @type {(host: string, rule: Partial<import('../policy.js').Rule> | null) => Promise<void>} */
export function saveRule(host, rule) {
  const written = writing.then(async () => {
    await chrome.storage.local.set({ policy: withRule(await loadPolicy(), host, rule) });
  });
  writing = written.catch(() => {});
  return written;
}

/** @returns {Promise<import('./handshake.js').Pairing | null>} */
export async function loadPairing() {
  const { pairing } = await chrome.storage.local.get('pairing');
  return /** @type {import('./handshake.js').Pairing | undefined} */ (pairing) ?? null;
}

/** @param {import('./handshake.js').Pairing} pairing */
export async function savePairing(pairing) {
  await chrome.storage.local.set({ pairing });
}

/** @returns {Promise<import('../shared/messages.js').LastResult | null>} */
export async function loadLast() {
  const { last } = await chrome.storage.session.get('last');
  return /** @type {import('../shared/messages.js').LastResult | undefined} */ (last) ?? null;
}

/** @param {import('../shared/messages.js').LastResult} last */
export async function saveLast(last) {
  await chrome.storage.session.set({ last });
}
