// @ts-check
/** Answers to held uploads that a person has "remembered for this site", as changes of the site's rule. */

/** Failure codes of images and videos that can never be cloaked. */
const UNCLOAKABLE = ['unsupported-format', 'animated', 'not-an-image', 'video'];

/** The subject of a waiting upload. It is null if the daemon is away or failed: that says nothing about the site, so it is not remembered.
 * @typedef {'mode' | 'unprotected' | 'media'} Question
 * @type {(code: string) => Question | null} */
export function questionOf(code) {
  if (code === 'ask') return 'mode';
  if (code === 'not-protected') return 'unprotected';
  return UNCLOAKABLE.includes(code) ? 'media' : null;
}

/** @type {{ [choice: string]: import('./rule.js').Mode }} */
const MODE_OF = { cloak: 'cloak', original: 'off', cancel: 'block' };

/**
 * The change of the rule that an answer asks for; null where there is nothing to remember.
 * @param {string} code why the upload waits
 * @param {import('../shared/messages.js').Choice} choice
 * @returns {Partial<import('./rule.js').Rule> | null}
 */
export function remembered(code, choice) {
  const question = questionOf(code);
  if (question === 'mode') {
    const mode = MODE_OF[choice];
    return mode ? { mode } : null;
  }
  if (question === 'unprotected' && (choice === 'attempt' || choice === 'original' || choice === 'cancel')) return { unprotected: choice };
  if (question === 'media' && (choice === 'original' || choice === 'cancel')) return { media: choice };
  return null;
}

/**
 * The remembered answer; null where the person is to be asked.
 * @param {string} code
 * @param {import('./rule.js').Rule} rule
 * @returns {'attempt' | 'original' | 'cancel' | null}
 */
export function answered(code, rule) {
  const question = questionOf(code);
  if (question === null || question === 'mode') return null;
  const answer = rule[question];
  return answer === 'ask' ? null : answer;
}
