// @ts-check
/** Where everything meets: the only part with a socket, and the one that decides. */
import { loadRules } from '../shared/stored_rules.js';
import { Badge } from './badge.js';
import { Connection, JobError } from './connection.js';
import { ConnectionError } from './handshake.js';
import { HoldWindow } from './hold_window.js';
import { LastLine } from './last_line.js';
import { forgetOnce, setOnce } from './once_rules.js';
import { Originals } from './originals.js';
import { previewOf } from './preview.js';
import { randomHex } from './protocol.js';
import { changeHistory, forgetLeaks, loadRecent, saveLeak } from './recent_uploads.js';
import { register } from './registration.js';
import { loadPairing, lock, replacePolicy, saveDefault, savePairing, saveRule } from './settings.js';
import { pull, push, setSync } from './policy_sync.js';
import { Uploads } from './content_ports.js';

const badge = new Badge();
const connection = new Connection(loadPairing);
const holdWindow = new HoldWindow(badge);
const originals = new Originals();
const uploads = new Uploads(connection, holdWindow, badge, originals);
const lastLine = new LastLine(originals, (leak) => { void saveLeak(leak).then((count) => { badge.setLeaks(count); }); });

/** Makes the scripts fit the rules. Rules that cannot be read leave the scripts where they are, and the popup says so. */
async function apply() {
  // Rules that cannot be read leave everything as it is.
  const registered = await register().catch(() => null);
  badge.setMissing(registered?.missing.length ?? 0);
  if (registered) lastLine.watch(registered.on);
}

void lock();
void apply();
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
  // What cannot be carried over now is with the next change.
  if (area === 'local' && changes['policy']) push().catch(() => {});
  if (area === 'sync') pull().catch(() => {});
});

/** Whether a message comes from one of the extension's own pages. @param {chrome.runtime.MessageSender | undefined} sender */
const isOwnPage = (sender) => sender?.id === chrome.runtime.id && (sender.url ?? '').startsWith(chrome.runtime.getURL(''));

chrome.runtime.onConnect.addListener((port) => {
  if (port.name === 'holds' && isOwnPage(port.sender)) holdWindow.adopt(port);
  else if (port.name === 'uploads') uploads.adopt(port);
  else port.disconnect();
});

chrome.runtime.onMessage.addListener((/** @type {import('../shared/messages.js').FromPage} */ message, sender, reply) => {
  if (!isOwnPage(sender)) return false;
  void answer(message).then(reply, (error) => { reply({ ok: false, error: error instanceof Error ? error.message : String(error) }); });
  return true;
});

/** @param {import('../shared/messages.js').FromPage} message */
async function answer(message) {
  if (message.type === 'state') return state();
  if (message.type === 'pair') return pair(message.port, message.code);
  if (message.type === 'test-photo') return tryPhoto(message.photo);
  if (message.type === 'show-holds') await holdWindow.show();
  else if (message.type === 'set-sync') await setSync(message.on);
  else if (message.type === 'forget-leaks') {
    await forgetLeaks();
    badge.setLeaks(0);
  } else if (message.type === 'set-history') await changeHistory((history) => { history.on = message.on; });
  else if (message.type === 'erase-history') await changeHistory((history) => { history.entries = []; });
  else await changeRules(message);
  return { ok: true };
}

/** @param {Extract<import('../shared/messages.js').FromPage, { type: 'set-site' | 'set-default' | 'set-once' | 'import' }>} message */
async function changeRules(message) {
  if (message.type === 'import') await replacePolicy(message.text);
  else if (message.type === 'set-default') await saveDefault(message.rule);
  else if (message.type === 'set-site') await saveRule(message.host, message.rule);
  else if (message.rule) await setOnce(message.tab, message.host, message.rule);
  else await forgetOnce(message.tab);
  await apply();
}

/** @type {(port: number, code: string) => Promise<import('../shared/messages.js').PairAnswer>} */
async function pair(port, code) {
  try {
    const label = navigator.userAgent.includes('Firefox') ? 'Firefox' : 'Chromium';
    await savePairing(await connection.pair(port, code, label));
    return { ok: true, reason: null };
  } catch (error) {
    return { ok: false, reason: error instanceof ConnectionError ? error.reason : 'unreachable' };
  }
}

/** Has a photo of the extension's own cloaked, and shows it to nobody else. @type {(photo: string) => Promise<import('../shared/messages.js').TestAnswer>} */
async function tryPhoto(photo) {
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

/** @returns {Promise<import('../shared/messages.js').StateAnswer>} */
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
