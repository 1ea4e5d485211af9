// @ts-check
/** Where everything meets: the only part with a socket, and the one that decides. */
import { Connection } from './connection.js';
import { ConnectionError } from './handshake.js';
import { HoldWindow } from './holds.js';
import { register } from './registration.js';
import { loadLast, loadPairing, lock, savePairing, saveRule } from './settings.js';
import { Uploads } from './uploads.js';

const connection = new Connection(loadPairing);
const holdWindow = new HoldWindow();
const uploads = new Uploads(connection, holdWindow);

void lock();
void register();
chrome.runtime.onInstalled.addListener(({ reason }) => {
  void register();
  if (reason === 'install') void chrome.runtime.openOptionsPage();
});
chrome.runtime.onStartup.addListener(() => { void register(); });
chrome.permissions.onAdded.addListener(() => { void register(); });
chrome.permissions.onRemoved.addListener(() => { void register(); });
chrome.storage.local.onChanged.addListener((changes) => { if (changes['policy']) void register(); });

/** Whether a message comes from one of the extension's own pages. @param {chrome.runtime.MessageSender | undefined} sender */
const isOwnPage = (sender) => sender?.id === chrome.runtime.id && (sender.url ?? '').startsWith(chrome.runtime.getURL(''));

chrome.runtime.onConnect.addListener((port) => {
  if (port.name === 'holds' && isOwnPage(port.sender)) holdWindow.adopt(port);
  else if (port.name === 'uploads') uploads.adopt(port);
  else port.disconnect();
});

chrome.runtime.onMessage.addListener((/** @type {import('../shared/messages.js').FromPage} */ message, sender, reply) => {
  if (!isOwnPage(sender)) return false;
  void answer(message).then(reply, () => { reply(null); });
  return true;
});

/** @param {import('../shared/messages.js').FromPage} message */
async function answer(message) {
  if (message.type === 'state') return state();
  if (message.type === 'pair') return pair(message.port, message.code);
  if (message.type === 'show-holds') return holdWindow.show();
  await saveRule(message.host, message.rule);
  await register();
  return { ok: true };
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
  return {
    connection: reached,
    port: pairing?.port ?? 38917,
    worker: typeof told['worker'] === 'string' ? told['worker'] : null,
    queued: Number(told['queued'] ?? 0) + Number(told['running'] ?? 0),
    device: welcome?.device ?? '',
    models: welcome?.models ?? '',
    protectors: welcome?.protectors ?? [],
    classes: welcome?.classes ?? [],
    waiting: holdWindow.size,
    last: await loadLast(),
  };
}
