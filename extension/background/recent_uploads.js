// @ts-check
/** The last upload, the last photos and the leaks, for the popup, in memory; and the history, which is off unless asked for. */
import { previewOf } from './preview.js';
import { inTurn } from './settings.js';

const PICTURES = 4;
const HISTORY = 500;
const LEAKS = 20;

/** @typedef {import('../shared/messages.js').LastResult} LastResult */
/** @typedef {import('../shared/messages.js').Picture} Picture */
/** @typedef {import('../shared/messages.js').History} History */
/** @typedef {import('../shared/messages.js').Leak} Leak */

/** @returns {Promise<{ last: LastResult | null, pictures: Picture[], notFound: string[], leaks: Leak[] }>} */
export async function loadRecent() {
  const { last, pictures, notFound, leaks } = await chrome.storage.session.get(['last', 'pictures', 'notFound', 'leaks']);
  return {
    last: /** @type {LastResult | undefined} */ (last) ?? null,
    pictures: /** @type {Picture[] | undefined} */ (pictures) ?? [],
    notFound: /** @type {string[] | undefined} */ (notFound) ?? [],
    leaks: /** @type {Leak[] | undefined} */ (leaks) ?? [],
  };
}

/** Keeps the names of built-ins that a page lacked, for the problem report. @param {string[]} names */
export async function saveNotFound(names) {
  const kept = names.filter((name) => /^[A-Za-z]+\.[A-Za-z]+$/.test(name)).sort();
  const { notFound } = await loadRecent();
  if (JSON.stringify(kept) !== JSON.stringify(notFound)) await chrome.storage.session.set({ notFound: kept });
}

/** @param {LastResult} last */
export async function saveLast(last) {
  await chrome.storage.session.set({ last });
  await changeHistory((history) => {
    if (!history.on) return;
    const { when, host, photos, outcome, seconds } = last;
    history.entries = [{ when, host, photos, outcome, seconds }, ...history.entries].slice(0, HISTORY);
  });
}

/**
 * Keeps small pictures of photos before and after cloaking, the newest first.
 * @param {string} host
 * @param {{ before: Blob, after: Blob, report: import('./connection.js').Report }[]} photos
 */
export async function savePictures(host, photos) {
  /** @type {Picture[]} */
  const fresh = [];
  for (const { before, after, report } of photos.slice(0, PICTURES)) {
    const [first, second] = [await previewOf(before), await previewOf(after)];
    if (first && second) fresh.push({ host, before: first, after: second, report });
  }
  await inTurn(async () => {
    const { pictures } = await loadRecent();
    await chrome.storage.session.set({ pictures: [...fresh, ...pictures].slice(0, PICTURES) });
  });
}

/**
 * Records that an original went past the hold: until the person has seen it, and in the history.
 * @param {Leak} leak
 * @returns {Promise<number>} how many leaks are unseen
 */
export async function saveLeak({ host, isStopped }) {
  const count = await inTurn(async () => {
    const { leaks } = await loadRecent();
    const kept = [{ host, isStopped }, ...leaks.filter((leak) => leak.host !== host || leak.isStopped !== isStopped)].slice(0, LEAKS);
    await chrome.storage.session.set({ leaks: kept });
    return kept.length;
  });
  await changeHistory((history) => {
    if (history.on) history.entries = [entry(host, isStopped), ...history.entries].slice(0, HISTORY);
  });
  return count;
}

/** @type {(host: string, isStopped: boolean) => History['entries'][number]} */
const entry = (host, isStopped) => ({ when: Date.now(), host, photos: 1, outcome: isStopped ? 'stopped' : 'leaked', seconds: 0 });

/** Removes the leaks, which the person has seen. */
export const forgetLeaks = () => inTurn(() => chrome.storage.session.remove('leaks'));

/** @type {(change: (history: History) => void) => Promise<void>} */
export function changeHistory(change) {
  return inTurn(async () => {
    const { history } = await chrome.storage.local.get('history');
    const kept = /** @type {History} */ (history ?? { on: false, entries: [] });
    change(kept);
    await chrome.storage.local.set({ history: kept });
  });
}
