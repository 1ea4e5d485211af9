// @ts-check
/** How much of the work on a photo is done, from the stages that the daemon reports. */

/** Shares done when a stage begins; the protectors divide what lies between decoding and encoding. */
const BEFORE = 0.04;
const AFTER = 0.9;
/** @type {{ [stage: string]: number }} */
const AT = { decode: 0, encode: AFTER, judge: 0.95 };

/**
 * @param {readonly string[]} protectors
 * @param {{ stage: string, done: number, total: number }} progress
 * @returns {number} from 0 to 1
 */
export function shareOf(protectors, { stage, done, total }) {
  const fixed = AT[stage];
  if (fixed !== undefined) return fixed;
  const within = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
  const index = protectors.indexOf(stage);
  // A stage of all protectors together is none of theirs.
  const [at, count] = index < 0 ? [0, 1] : [index, protectors.length];
  return BEFORE + (AFTER - BEFORE) * (at + within) / count;
}
