// @ts-check
/** Requests of the extension's pages to the background. */
import { words } from './dom.js';

/** @param {import('./messages.js').FromPage} message @returns {Promise<any>} an `error` in it when the background could not do it */
export function ask(message) {
  return chrome.runtime.sendMessage(message);
}

/** Asks for a change. @param {import('./messages.js').FromPage} message @returns {Promise<string | null>} what went wrong; null for nothing */
export async function change(message) {
  /** @type {import('./messages.js').DoneAnswer | null} */
  const answer = await ask(message);
  return answer?.ok ? null : answer?.error ?? words('why_internal');
}
