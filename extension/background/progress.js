// @ts-check
/** How much of the work on a photo is done, as the daemon says. */

/** @param {{ done: number, total: number }} progress @returns {number} from 0 to 1 */
export const shareOf = ({ done, total }) => (total > 0 ? Math.min(1, Math.max(0, done / total)) : 0);
