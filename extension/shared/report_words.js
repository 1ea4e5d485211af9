// @ts-check
/** Sentences about the daemon, about uploads and about what models read in photos. */
import { words } from './dom.js';

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

/** The last result, whether it survives on the site where that is known, and how likely untried models are fooled.
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

/** How many of the real networks that read anything in the photos, judges included, still read it, and what; or that none were
 * tried. @param {import('../background/connection.js').Report[]} reports @returns {string[]} */
export function machinesWords(reports) {
  if (reports.some(({ models }) => models === 'embedded')) return [words('machines_none')];
  const all = reports.filter(({ models }) => models === 'pretrained').flatMap((report) => report.verdicts ?? []);
  // A detector of faces has nothing to lose in a photo without any.
  const verdicts = all.filter((verdict) => verdict.before.length > 0 || !verdict.protected);
  const machines = new Set(verdicts.map(({ adversary }) => adversary));
  const reading = verdicts.filter((verdict) => !verdict.protected);
  const misled = machines.size - new Set(reading.map(({ adversary }) => adversary)).size;
  if (machines.size === 0) return [];
  if (reading.length === 0) return [words('machines_all', String(machines.size))];
  const left = [...new Set(reading.flatMap(({ before, after }) => after.filter((name) => before.includes(name))))].slice(0, 4);
  return [words('machines_some', String(misled), String(machines.size), left.join(', ') || words('nothing_read'))];
}

/** For each protector, the lowest estimate among the photos. @param {import('../background/connection.js').Report[]} reports */
function unseenWords(reports) {
  return ['objects', 'search', 'scene'].flatMap((protector) => {
    const estimates = reports.flatMap(({ unseen }) => unseen?.[protector] ?? []);
    const [least] = estimates.sort((one, two) => one.probability - two.probability);
    if (!least) return [];
    return [words(`unseen_${protector}`, ...[least.probability, least.low, least.high].map((share) => String(Math.round(100 * share))))];
  });
}

/** Why a photo was not cloaked; the daemon's own sentence where no message is translated. @type {(code: string, detail: string) => string} */
export const failureWords = (code, detail) => words(`why_${code.replaceAll('-', '_')}`) || detail || words('why_internal');

/** The lines that say what each model read in a photo before and after. @param {import('../background/connection.js').Report} report */
export function verdictLines({ verdicts = [] }) {
  return verdicts.map(({ protector, adversary, before, after, protected: isProtected, judge_only: isJudge }) => {
    const read = (/** @type {string[]} */ names) => [...new Set(names)].slice(0, 4).join(', ') || words('nothing_read');
    const [kind] = protector.split('-');
    const machine = `${words(`reads_${kind}`)} (${adversary.replaceAll('_', ' ')}${isJudge ? `, ${words('judge_only')}` : ''})`;
    return words(isProtected ? 'verdict_good' : 'verdict_bad', machine, read(before), read(after));
  });
}

/** @param {number} bytes */
export function sizeWords(bytes) {
  return bytes < 1e6 ? words('kilobytes', String(Math.max(1, Math.round(bytes / 1e3)))) : words('megabytes', (bytes / 1e6).toFixed(1));
}
