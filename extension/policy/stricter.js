// @ts-check
/** Combines two rules that both may apply into one that lets less go, field by field. */
import { isVisual } from './rule.js';

/** Each field's values, from the laxest to the strictest. */
const ORDER = {
  mode: ['off', 'cloak', 'ask', 'block'],
  strength: ['instant', 'subtle', 'balanced', 'strong'],
  unprotected: ['original', 'attempt', 'ask', 'cancel'],
  media: ['original', 'ask', 'cancel'],
};

/** @template T @type {<T extends string>(order: readonly string[], one: T, two: T) => T} */
const later = (order, one, two) => (order.indexOf(two) > order.indexOf(one) ? two : one);

/** @type {(one: import('./rule.js').Rule, two: import('./rule.js').Rule) => import('./rule.js').Rule} */
export function stricter(one, two) {
  // A site that is off says nothing about strength.
  if (two.mode === 'off') return one;
  if (one.mode === 'off') return two;
  // What is for a recognition service stands alone.
  const isAlone = [...one.protectors, ...two.protectors].some(isVisual);
  return {
    ...one,
    mode: later(ORDER.mode, one.mode, two.mode),
    strength: later(ORDER.strength, one.strength, two.strength),
    unprotected: later(ORDER.unprotected, one.unprotected, two.unprotected),
    media: later(ORDER.media, one.media, two.media),
    protectors: isAlone ? one.protectors : [...new Set([...one.protectors, ...two.protectors])],
    sensitive: [...new Set([...one.sensitive, ...two.sensitive])],
  };
}
