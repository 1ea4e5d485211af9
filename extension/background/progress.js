// @ts-check
/** How much of the work on a photo is done, from the stages that the daemon reports. */

/** Shares done once the perturbation is made, and once the saved file has the quality that it has to keep. */
const OPTIMISED = 0.7;
const FITTED = 0.95;
/** @type {{ [stage: string]: number }} */
const AT = { decode: 0, encode: FITTED, judge: 0.98 };

/**
 * Roughly as the time goes. All protectors work on a photo together, so that their stages count the same steps.
 * @param {{ stage: string, done: number, total: number }} progress
 * @returns {number} from 0 to 1
 */
export function shareOf({ stage, done, total }) {
  const fixed = AT[stage];
  if (fixed !== undefined) return fixed;
  const within = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
  return stage === 'quality' ? OPTIMISED + within * (FITTED - OPTIMISED) : within * OPTIMISED;
}
