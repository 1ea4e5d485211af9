// @ts-check
/**
 * What the browser's own rules change in the answers of sites that are on: one header of their documents, without which `document.domain`
 * has no effect (content/apart.js says what that is for). A server may ask for that with this header; Chromium's default is so.
 */

const RULE = 1;

/** @param {string[]} hosts that are on and permitted; without any there is no rule */
export async function keepDomains(hosts) {
  // The rules name no addresses in brackets.
  const requestDomains = hosts.filter((host) => !host.startsWith('[')).sort();
  const [present] = await chrome.declarativeNetRequest.getDynamicRules();
  if (JSON.stringify(present?.condition.requestDomains?.toSorted() ?? []) === JSON.stringify(requestDomains)) return;
  await chrome.declarativeNetRequest.updateDynamicRules({
    removeRuleIds: [RULE],
    addRules: requestDomains.length === 0 ? [] : [{
      id: RULE,
      action: {
        type: /** @type {any} */ ('modifyHeaders'),
        responseHeaders: [{ header: 'Origin-Agent-Cluster', operation: /** @type {any} */ ('set'), value: '?0' }],
      },
      condition: { requestDomains, resourceTypes: /** @type {any} */ (['main_frame', 'sub_frame']) },
    }],
  });
}
