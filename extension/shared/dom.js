// @ts-check
/** What the extension's pages have in common: their words, and how they ask the background. */

/** Keeps the order of its own letters, whichever way the words around it run. @param {string} text */
const isolated = (text) => `\u2068${text}\u2069`;

/** @type {(name: string, ...values: string[]) => string} */
export const words = (name, ...values) => {
  const isLeftward = chrome.i18n.getMessage('direction') === 'rtl';
  return chrome.i18n.getMessage(name, isLeftward ? values.map(isolated) : values);
};

/** Puts the words into every element that names a message. */
export function localise() {
  // Of the words that are shown, which need not be the browser's own language.
  document.documentElement.lang = words('language');
  document.documentElement.dir = words('direction');
  for (const node of document.querySelectorAll('[data-words]')) node.textContent = words(node.getAttribute('data-words') ?? '');
  for (const node of document.querySelectorAll('[data-label]')) node.setAttribute('aria-label', words(node.getAttribute('data-label') ?? ''));
}

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {{ new (): T }} kind
 * @returns {T}
 */
export function find(id, kind) {
  const node = document.getElementById(id);
  if (!(node instanceof kind)) throw new Error(`no ${id}`);
  return node;
}

/** @type {(name: string, properties: { [property: string]: unknown }, ...children: (Node | string)[]) => HTMLElement} */
export function make(name, properties, ...children) {
  const node = document.createElement(name);
  Object.assign(node, properties);
  node.append(...children);
  return node;
}

/** @param {import('./messages.js').FromPage} message @returns {Promise<any>} an `error` in it when the background could not do it */
export function ask(message) {
  return chrome.runtime.sendMessage(message);
}

/** The daemon in a sentence. @param {import('./messages.js').StateAnswer} state */
export function daemonWords(state) {
  if (state.connection !== 'ready') return words(`daemon_${state.connection}`);
  if (state.worker !== 'ready') return words(state.worker === 'restarting' ? 'daemon_restarting' : 'daemon_starting');
  return state.queued ? words('daemon_busy', String(state.queued)) : words('daemon_ready');
}

/** @param {import('./messages.js').StateAnswer} state @returns {'good' | 'fair' | 'bad'} */
export function daemonMood(state) {
  if (state.connection !== 'ready') return 'bad';
  if (state.worker === 'restarting') return 'bad';
  return state.worker === 'ready' ? 'good' : 'fair';
}

/** The last result, what becomes of it on the site where that is known, and how likely models are fooled that nobody tried.
 * @param {import('./messages.js').LastResult} last */
export function resultWords(last) {
  const seconds = last.seconds.toFixed(last.seconds < 10 ? 1 : 0);
  const photos = last.photos === 1 ? words('one_photo') : words('many_photos', String(last.photos));
  const sentence = words(`result_${last.outcome}`, photos, last.host, seconds);
  const sites = last.outcome === 'cloaked' ? last.reports.flatMap(({ site }) => (site ? [site] : [])) : [];
  const kept = sites.length === 0 ? [] : [words(sites.every((site) => site.protected) ? 'site_keeps' : 'site_loses')];
  const machines = last.outcome === 'cloaked' || last.outcome === 'weak' ? machinesWords(last.reports) : [];
  return [sentence, ...machines, ...kept, ...(last.outcome === 'cloaked' ? unseenWords(last.reports) : [])].join(' ');
}

/** How many of the real networks that were tried still read the photos, judges included, and what they read; or that there were
 * none. @param {import('../background/connection.js').Report[]} reports @returns {string[]} */
export function machinesWords(reports) {
  if (reports.some(({ models }) => models === 'embedded')) return [words('machines_none')];
  const verdicts = reports.filter(({ models }) => models === 'pretrained').flatMap((report) => report.verdicts ?? []);
  const machines = new Set(verdicts.map(({ adversary }) => adversary));
  const reading = verdicts.filter((verdict) => !verdict.protected);
  const misled = machines.size - new Set(reading.map(({ adversary }) => adversary)).size;
  if (machines.size === 0) return [];
  if (reading.length === 0) return [words('machines_all', String(machines.size))];
  const left = [...new Set(reading.flatMap(({ before, after }) => after.filter((name) => before.includes(name))))].slice(0, 4);
  return [words('machines_some', String(misled), String(machines.size), left.join(', ') || words('nothing_read'))];
}

/** Of several photos the one that says least. @param {import('../background/connection.js').Report[]} reports */
function unseenWords(reports) {
  return ['objects', 'search', 'scene'].flatMap((protector) => {
    const estimates = reports.flatMap(({ unseen }) => unseen?.[protector] ?? []);
    const [least] = estimates.sort((one, two) => one.probability - two.probability);
    if (!least) return [];
    return [words(`unseen_${protector}`, ...[least.probability, least.low, least.high].map((share) => String(Math.round(100 * share))))];
  });
}

/** Why a photo was not cloaked; the daemon's own sentence where this browser has none in its language. @type {(code: string, detail: string) => string} */
export const failureWords = (code, detail) => words(`why_${code.replaceAll('-', '_')}`) || detail || words('why_internal');

/** What models made of a photo, one line each. @param {import('../background/connection.js').Report} report */
export function verdictLines({ verdicts = [] }) {
  return verdicts.map(({ protector, adversary, before, after, protected: isProtected, judge_only: isJudge }) => {
    const read = (/** @type {string[]} */ names) => [...new Set(names)].slice(0, 4).join(', ') || words('nothing_read');
    const [kind] = protector.split('-');
    const machine = `${words(`reads_${kind}`)} (${adversary.replaceAll('_', ' ')}${isJudge ? `, ${words('judge_only')}` : ''})`;
    return words(isProtected ? 'verdict_good' : 'verdict_bad', machine, read(before), read(after));
  });
}

/** An answer beside what was asked. @type {(id: string, message: string, mood: 'good' | 'bad') => void} */
export function say(id, message, mood) {
  const node = find(id, HTMLElement);
  node.className = `small ${mood}`;
  node.textContent = message;
}

/** Asks, and says what went wrong. @param {import('./messages.js').FromPage} message @returns {Promise<string | null>} the error, null for none */
export async function change(message) {
  /** @type {import('./messages.js').DoneAnswer | null} */
  const answer = await ask(message);
  return answer?.ok ? null : answer?.error ?? words('why_internal');
}

/** @param {number} bytes */
export function sizeWords(bytes) {
  return bytes < 1e6 ? words('kilobytes', String(Math.max(1, Math.round(bytes / 1e3)))) : words('megabytes', (bytes / 1e6).toFixed(1));
}
