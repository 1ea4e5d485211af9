// @ts-check
/** Changes what is stored: the policy and the pairing. */
import { importPolicy, readPolicy, withDefault, withRule } from '../policy/policy.js';

/** Hides storage.local, and with it the pairing's key, from content scripts. Firefox lacks the call. */
export async function lock() {
  await chrome.storage.local.setAccessLevel?.({ accessLevel: 'TRUSTED_CONTEXTS' });
}

/** The last change: each waits for the one before, on which it builds. @type {Promise<unknown>} */
let writing = Promise.resolve();

/** @template T @param {() => Promise<T>} change @returns {Promise<T>} */
export function inTurn(change) {
  const written = writing.then(change);
  writing = written.catch(() => {});
  return written;
}

/** @type {(change: (policy: import('../policy/policy.js').Policy) => import('../policy/policy.js').Policy) => Promise<void>} */
export function changePolicy(change) {
  return inTurn(async () => {
    const { policy } = await chrome.storage.local.get('policy');
    const before = readPolicy(policy);
    const after = change(before);
    if (after !== before) await chrome.storage.local.set({ policy: after });
  });
}

/** @type {(host: string, rule: Partial<import('../policy/rule.js').Rule> | null) => Promise<void>} */
export const saveRule = (host, rule) => changePolicy((policy) => withRule(policy, host, rule));

/** @param {Partial<import('../policy/rule.js').Rule>} rule */
export const saveDefault = (rule) => changePolicy((policy) => withDefault(policy, rule));

/** Replaces the whole policy, even one that cannot be read. @type {(text: string) => Promise<void>} */
export const replacePolicy = (text) => inTurn(() => chrome.storage.local.set({ policy: importPolicy(text) }));

/** @returns {Promise<import('./handshake.js').Pairing | null>} */
export async function loadPairing() {
  const { pairing } = await chrome.storage.local.get('pairing');
  return /** @type {import('./handshake.js').Pairing | undefined} */ (pairing) ?? null;
}

/** @param {import('./handshake.js').Pairing} pairing */
export async function savePairing(pairing) {
  await chrome.storage.local.set({ pairing });
}
