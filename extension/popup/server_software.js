// @ts-check
/**
 * Recognises a server of the fediverse, of which there are too many for a list, when a person switches it on: each says what
 * software it runs at an address that NodeInfo defines (nodeinfo.diaspora.software).
 */

/** Runs in the page, so that it asks the page's server. executeScript sends its source text, so it can use nothing of this file. */
async function askServer() {
  try {
    const links = (await (await fetch('/.well-known/nodeinfo')).json()).links;
    const address = new URL(links.at(-1).href, location.href);
    if (address.origin !== location.origin) return null;
    return String((await (await fetch(address)).json()).software.name).toLowerCase();
  } catch {
    return null;
  }
}

/**
 * The channel of the software that a tab's server says it runs; null if it names none that is known.
 * @type {(table: import('../policy/hosts.js').SiteTable, tab: number) => Promise<string | null>}
 */
export async function channelOfServer(table, tab) {
  const [answer] = await chrome.scripting.executeScript({ target: { tabId: tab }, func: askServer }).catch(() => []);
  const named = answer?.result;
  return table.sites.find(({ software }) => typeof named === 'string' && software?.includes(named))?.channel ?? null;
}
