// @ts-check
/** Finds the host whose rule applies to a frame. */
import { bareHost } from '../policy/hosts.js';

/**
 * The host of the frame's origin, which the browser vouches for. A sandboxed frame has none: it gets the host of its address, or else
 * that of its tab, and the rules of the frames around it apply as well.
 * @typedef {{ host: string, isBorrowed: boolean, others: string[] }} Origin  others: hosts whose rule may be stricter
 * @type {(sender: chrome.runtime.MessageSender | undefined, around?: readonly string[]) => Origin | null} around: the origins of those
 *   around the frame, as its content script has them of the browser
 */
export function originOf(sender, around = []) {
  const given = hostIn(sender?.origin);
  if (given) return { host: given, isBorrowed: false, others: [] };
  const own = hostIn(sender?.url);
  const lent = [hostIn(sender?.tab?.url), ...around.map(hostIn)].filter((host) => host !== null);
  const [host, ...others] = [...new Set(own ? [own, ...lent] : lent)];
  return host ? { host, isBorrowed: !own, others } : null;
}

/** The host of a web address; null for "null", about:blank and the like. @param {string | undefined} address */
function hostIn(address) {
  try {
    const { hostname, protocol } = new URL(address ?? '');
    return hostname && /^https?:$/.test(protocol) ? bareHost(hostname) : null;
  } catch {
    return null;
  }
}
