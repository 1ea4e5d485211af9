// @ts-check
/**
 * Hosts and what is known about them. A rule applies to one host, with every port and both schemes, and not to its subdomains, as
 * the content scripts' match patterns do.
 *
 * @typedef {{ name: string, hosts: string[], kind: string, mode: import('./rule.js').Mode, channel: string,
 *   software?: string[] }} SiteEntry  software: names of server software by which unlisted servers are recognised
 * @typedef {{ sites: SiteEntry[] }} SiteTable  sites.json
 */

/** Firefox treats a host and its absolute name, which ends in a dot, as two hosts; Chromium's patterns match both. */
const TELLS_APART = globalThis.navigator?.userAgent?.includes('Firefox') ?? false;

/**
 * The match patterns of a host.
 * @param {string} host
 * @param {boolean} tellsApart whether the browser needs patterns for the absolute name too
 * @returns {string[]}
 */
export function matchesOf(host, tellsApart = TELLS_APART) {
  const isName = /[a-z]/.test(host) && !host.startsWith('[');
  const names = tellsApart && isName ? [host, `${host}.`] : [host];
  return names.flatMap((name) => [`http://${name}/*`, `https://${name}/*`]);
}

/** A host without the final dot of its absolute name: both lead to the same site. @param {string} hostname */
export const bareHost = (hostname) => hostname.replace(/\.+$/, '');

/**
 * The host in typed text or an address; null where there is none that content scripts can run in.
 * @param {string} text
 * @returns {string | null}
 */
export function normalHost(text) {
  const trimmed = text.trim();
  if (!trimmed) return null;
  let url;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`);
  } catch {
    return null;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  const host = bareHost(url.hostname);
  return /^[a-z0-9.-]+$|^\[[0-9a-f:.]+\]$/.test(host) ? host : null;
}

/** @type {(table: SiteTable, host: string) => SiteEntry | null} what is known of a host */
export const siteOf = (table, host) => table.sites.find((site) => site.hosts.includes(host)) ?? null;

/** @type {(table: SiteTable, host: string) => string | null} the name of its upload channel */
export const channelFor = (table, host) => siteOf(table, host)?.channel ?? null;

/** @type {(table: SiteTable) => SiteEntry[]} the sites that are offered together */
export const offeredSites = (table) => table.sites.filter(({ mode }) => mode !== 'off');
