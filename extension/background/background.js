// @ts-check
/** Start of the background, which alone has a socket to the daemon, and alone decides. */
import { loadRules } from '../shared/stored_rules.js';
import { Badge } from './badge.js';
import { Connection, JobError } from './connection.js';
import { ContentPorts } from './content_ports.js';
import { handlerOf, isOwnPage } from './dispatch.js';
import { ConnectionError } from './handshake.js';
import { HoldWindow } from './hold_window.js';
import { LastLine } from './last_line.js';
import { forgetOnce, setOnce } from './once_rules.js';
import { Originals } from './originals.js';
import { pull, push, setSync } from './policy_sync.js';
import { previewOf } from './preview.js';
import { randomHex } from './protocol.js';
import { changeHistory, forgetLeaks, loadRecent, saveLeak } from './recent_uploads.js';
import { register } from './registration.js';
import { loadPairing, lock, replacePolicy, saveDefault, savePairing, saveRule } from './settings.js';

const badge = new Badge();
const connection = new Connection(loadPairing);
const holdWindow = new HoldWindow(badge);
const originals = new Originals();
const contentPorts = new ContentPorts(connection, holdWindow, badge, originals);
const lastLine = new LastLine(originals, (leak) => { void saveLeak(leak).then((count) => { badge.setLeaks(count); }); });

/** Makes the scripts fit the rules. Rules that cannot be read leave the scripts where they are, and the popup says so. */
async function apply() {
  const registered = await register().catch(() => null);
  badge.setMissing(registered?.missing.length ?? 0);
  if (registered) lastLine.watch(registered.on);
}

void lock();
void apply();
// Show the leaks again that an earlier background had on its badge.
void loadRecent().then(({ leaks }) => { badge.setLeaks(leaks.length); });
chrome.runtime.onInstalled.addListener(({ reason }) => {
  void apply();
  if (reason === 'install') void chrome.tabs.create({ url: chrome.runtime.getURL('onboarding/onboarding.html') });
});
chrome.runtime.onStartup.addListener(() => {
  void apply();
  pull().catch(() => {});
});
chrome.permissions.onAdded.addListener(() => { void apply(); });
chrome.permissions.onRemoved.addListener(() => { void apply(); });
chrome.tabs.onRemoved.addListener((tab) => { void forgetOnce(tab); });
chrome.storage.onChanged.addListener((changes, area) => {
  if ((area === 'local' && changes['policy']) || (area === 'session' && changes['once']) || area === 'managed') void apply();
  // A change that cannot be synchronised now goes along with the next one.
  if (area === 'local' && changes['policy']) push().catch(() => {});
  if (area === 'sync') pull().catch(() => {});
});

/** Who may open each port, and what serves it. @type {{ [name: string]: { mayOpen: typeof isOwnPage, serve: (port: chrome.runtime.Port) => void } }} */
const PORTS = {
  holds: { mayOpen: isOwnPage, serve: (port) => { holdWindow.adopt(port); } },
  uploads: { mayOpen: () => true, serve: (port) => { contentPorts.adopt(port); } },
};

chrome.runtime.onConnect.addListener((port) => {
  const known = Object.hasOwn(PORTS, port.name) ? PORTS[port.name] : null;
  if (known?.mayOpen(port.sender)) known.serve(port);
  else port.disconnect();
});

/** The handlers of the messages from the extension's own pages. @type {import('../shared/messages.js').PageHandlers} */
const PAGE_HANDLERS = {
  state,
  pair,
  'test-photo': tryPhoto,
  'show-holds': () => holdWindow.show(),
  'set-sync': ({ on }) => setSync(on),
  'set-history': ({ on }) => changeHistory((history) => { history.on = on; }),
  'erase-history': () => changeHistory((history) => { history.entries = []; }),
  'forget-leaks': async () => {
    await forgetLeaks();
    badge.setLeaks(0);
  },
  import: ({ text }) => applied(replacePolicy(text)),
  'set-default': ({ rule }) => applied(saveDefault(rule)),
  'set-site': ({ host, rule }) => applied(saveRule(host, rule)),
  'set-once': ({ tab, host, rule }) => applied(rule ? setOnce(tab, host, rule) : forgetOnce(tab)),
};

chrome.runtime.onMessage.addListener((/** @type {import('../shared/messages.js').FromPage} */ message, sender, reply) => {
  if (!isOwnPage(sender)) return false;
  void answer(message).then(reply, (error) => { reply({ ok: false, error: error instanceof Error ? error.message : String(error) }); });
  return true;
});

/** @param {import('../shared/messages.js').FromPage} message */
async function answer(message) {
  const handler = handlerOf(PAGE_HANDLERS, message);
  if (!handler) throw new TypeError(`there is no message "${message.type}"`);
  return await handler(message) ?? { ok: true };
}

/** Has a change of the rules take effect before the page hears that it is done. @param {Promise<void>} change */
async function applied(change) {
  await change;
  await apply();
}

/** @type {import('../shared/messages.js').PageHandlers['pair']} */
async function pair({ port, code }) {
  try {
    const label = navigator.userAgent.includes('Firefox') ? 'Firefox' : 'Chromium';
    await savePairing(await connection.pair(port, code, label));
    return { ok: true, reason: null };
  } catch (error) {
    return { ok: false, reason: error instanceof ConnectionError ? error.reason : 'unreachable' };
  }
}

/** Has one of the extension's own photos cloaked. @type {import('../shared/messages.js').PageHandlers['test-photo']} */
async function tryPhoto({ photo }) {
  try {
    const { protectors, strength, sensitive } = (await loadRules()).policy.default;
    const blob = await (await fetch(chrome.runtime.getURL(photo))).blob();
    const request = { job: randomHex(16), name: 'test', mime: blob.type, size: blob.size, channel: null, policy: { protectors, strength, sensitive } };
    const { blob: cloaked, report } = await connection.protect(request, new Uint8Array(await blob.arrayBuffer()), false, () => {});
    const [before, after] = [await previewOf(blob), await previewOf(cloaked)];
    if (!before || !after) throw new JobError('internal');
    return { code: null, detail: '', picture: { host: '', before, after, report } };
  } catch (error) {
    return { code: error instanceof JobError ? error.code : 'internal', detail: error instanceof Error ? error.message : '', picture: null };
  }
}

/** @type {import('../shared/messages.js').PageHandlers['state']} */
async function state() {
  const pairing = await loadPairing();
  /** @type {import('../shared/messages.js').Connectivity} */
  let reached = 'ready';
  /** @type {{ [field: string]: unknown }} */
  let told = {};
  try {
    told = await connection.status();
  } catch (error) {
    reached = error instanceof ConnectionError ? error.reason : 'unreachable';
  }
  const welcome = reached === 'ready' ? connection.welcome : null;
  /** @type {string | null} */
  let unreadable = null;
  const { missing } = await register().catch((error) => {
    unreadable = error instanceof Error ? error.message : String(error);
    return { missing: [] };
  });
  badge.setMissing(missing.length);
  return {
    connection: reached,
    port: pairing?.port ?? 38917,
    worker: typeof told['worker'] === 'string' ? told['worker'] : null,
    queued: Number(told['queued'] ?? 0) + Number(told['running'] ?? 0),
    device: welcome?.device ?? '',
    models: welcome?.models ?? '',
    version: welcome?.version ?? '',
    protectors: welcome?.protectors ?? [],
    classes: welcome?.classes ?? [],
    waiting: holdWindow.size,
    missing,
    unreadable,
    ...await loadRecent(),
  };
}
