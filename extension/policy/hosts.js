// @ts-check
/**
 * Hosts and what is known of them. A rule is exactly one host's, every port and both schemes, and not its subdomains', as in
 * the content scripts' matches.
 *
 * @typedef {{ name: string, hosts: string[], kind: string, mode: import('./rule.js').Mode, channel: string,
 *   software?: string[] }} SiteEntry  software: names of server software by which servers that are not listed are recognised
 * @typedef {{ sites: SiteEntry[] }} SiteTable  sites.json
 */

/** Firefox takes a host and its absolute name, which ends in a dot, for two hosts; Chromium's patterns hold for both. */
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

/** A host without the dot that its absolute name ends in: both lead to the same site. @param {string} hostname */
export const bareHost = (hostname) => hostname.replace(/\.+$/, '');

/**
 * The host of what a person typed or of an address, null when there is none that content scripts can be put into.
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
