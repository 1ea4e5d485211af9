// @ts-check
/**
 * Recognises servers of the fediverse, of which there are too many for a list, when a person switches one on: each says what
 * runs on it at an address that NodeInfo fixes (nodeinfo.diaspora.software).
 */

/** Runs in the page, and so asks its own server. executeScript sends it as source text, so it may use nothing of this file. */
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
 * The channel of the software that a tab's server says it runs, null where it says nothing that is known.
 * @type {(table: import('../policy/hosts.js').SiteTable, tab: number) => Promise<string | null>}
 */
export async function channelOfServer(table, tab) {
  const [answer] = await chrome.scripting.executeScript({ target: { tabId: tab }, func: askServer }).catch(() => []);
  const named = answer?.result;
  return table.sites.find(({ software }) => typeof named === 'string' && software?.includes(named))?.channel ?? null;
}
