// @ts-check
import { bareHost } from '../policy/hosts.js';

/**
 * The host whose rule counts: the frame's origin, which the browser vouches for. A sandboxed frame has none, and borrows its tab's.
 * @typedef {{ host: string, isBorrowed: boolean }} Origin
 * @type {(sender: chrome.runtime.MessageSender | undefined) => Origin | null}
 */
export function originOf(sender) {
  const host = hostIn(sender?.origin) ?? hostIn(sender?.url);
  if (host) return { host, isBorrowed: false };
  const lent = hostIn(sender?.tab?.url);
  return lent ? { host: lent, isBorrowed: true } : null;
}

/** The host of a web address, null for "null", about:blank and the like. @param {string | undefined} address */
function hostIn(address) {
  try {
    const { hostname, protocol } = new URL(address ?? '');
    return hostname && /^https?:$/.test(protocol) ? bareHost(hostname) : null;
  } catch {
    return null;
  }
}
