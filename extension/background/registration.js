// @ts-check
/** Registers the content scripts for the sites that are on, and for no others. */
import { matchesOf } from '../policy/hosts.js';
import { hostsOn } from '../policy/policy.js';
import { loadRules, ruleIn } from '../shared/stored_rules.js';

/** The isolated script is first: it has to be there when page/bridge.js offers its port. */
const SCRIPTS = /** @type {const} */ ([
  { id: 'content', world: 'ISOLATED', js: ['content/status.js', 'content/content.js'] },
  {
    id: 'page',
    world: 'MAIN',
    js: [
      'page/bridge.js', 'page/reload_notice.js', 'page/inputs.js', 'page/paste_insertion.js', 'page/composers.js',
      'page/forms.js', 'page/script_links.js', 'page/shadow_roots.js', 'page/handles.js', 'page/dropped_items.js',
      'page/drops.js', 'page/pastes.js', 'page/handle_posting.js', 'page/frame_windows.js', 'page/inserted_frames.js',
      'page/opened_windows.js', 'page/seal.js',
    ],
  },
]);

/** @type {Promise<Registered>} */
let running = Promise.resolve({ on: [], missing: [] });

/**
 * Makes the registrations fit the policy and the permissions. Calls run one after the other.
 * @typedef {{ on: string[], missing: string[] }} Registered  missing: hosts that are on and lack the browser's permission, so that
 *   nothing is cloaked there
 * @returns {Promise<Registered>}
 */
export function register() {
  running = running.catch(() => {}).then(registerNow);
  return running;
}

async function registerNow() {
  const rules = await loadRules();
  const once = Object.entries(rules.onces).filter(([tab, { host }]) => ruleIn(rules, host, Number(tab)).mode !== 'off');
  const lasting = hostsOn(rules.policy, rules.managed);
  /** @type {string[]} */
  const matches = [];
  /** @type {string[]} */
  const missing = [];
  /** @type {string[]} */
  const on = [];
  for (const host of new Set([...lasting, ...once.map(([, entry]) => entry.host)])) {
    const origins = matchesOf(host, false);
    if (await chrome.permissions.contains({ origins })) {
      matches.push(...origins);
      on.push(host);
    } else if (lasting.includes(host)) missing.push(host);
    // Permissions granted before this version do not include the name with the trailing dot.
    const others = matchesOf(host).filter((origin) => !origins.includes(origin));
    if (others.length === 0) continue;
    if (await chrome.permissions.contains({ origins: others })) matches.push(...others);
    else if (lasting.includes(host) && !missing.includes(host)) missing.push(host);
  }
  await registerFor(matches);
  return { on, missing };
}

/** @param {string[]} matches */
async function registerFor(matches) {
  const present = await chrome.scripting.getRegisteredContentScripts();
  if (matches.length === 0) {
    if (present.length) await chrome.scripting.unregisterContentScripts();
    return;
  }
  const wanted = SCRIPTS.map((script) => ({
    ...script, js: [...script.js], matches, allFrames: true, matchOriginAsFallback: true, runAt: /** @type {const} */ ('document_start'),
  }));
  // Updated, not removed and added: no moment is without scripts.
  const known = new Set(present.map(({ id }) => id));
  const added = wanted.filter(({ id }) => !known.has(id));
  const changed = wanted.filter(({ id }) => known.has(id));
  if (changed.length) await chrome.scripting.updateContentScripts(changed);
  if (added.length) await chrome.scripting.registerContentScripts(added);
}
