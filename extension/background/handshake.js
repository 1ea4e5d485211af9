// @ts-check
/** Opens a socket to the daemon and authenticates both sides: no photo is sent before the daemon has proved itself. */
import { VERSION, codeKey, fromHex, prove, randomHex, verifyDaemon } from './protocol.js';

const HANDSHAKE_MS = 8000;

/** Why there is no connection. */
export class ConnectionError extends Error {
  /** @param {'unpaired' | 'unreachable' | 'foreign' | 'refused' | 'impostor'} reason  foreign: another program, or another version, answers */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/**
 * @typedef {{ port: number, client: string, key: string }} Pairing
 * @typedef {{ device: string, models: string, version: string, protectors: string[], classes: string[],
 *   limits: { bytes: number, pixels: number, chunk: number, queue: number } }} Welcome
 */

/**
 * @param {Pairing} pairing
 * @returns {Promise<{ socket: WebSocket, welcome: Welcome }>} the socket, authenticated both ways
 * @throws {ConnectionError}
 */
export function connect(pairing) {
  const { port, client, key } = pairing;
  return handshake(port, client, async ({ daemonNonce, nonce, host, send, receive }) => {
    const raw = fromHex(key);
    send({ type: 'proof', client, proof: await prove(raw, daemonNonce, nonce, host) });
    return verifiedWelcome(await receive('welcome'), raw, daemonNonce, nonce, host);
  });
}

/**
 * Pairs with the code that `cloakroom pair` shows.
 * @param {number} port
 * @param {string} code
 * @param {string} label how the daemon lists this browser
 * @returns {Promise<{ pairing: Pairing, socket: WebSocket, welcome: Welcome }>}
 * @throws {ConnectionError}
 */
export async function pair(port, code, label) {
  /** @type {Pairing | null} */
  let pairing = null;
  const opened = await handshake(port, null, async ({ daemonNonce, nonce, host, pairingOpen, send, receive }) => {
    if (!pairingOpen) throw new ConnectionError('refused');
    const secret = codeKey(code);
    send({ type: 'pair', label, proof: await prove(secret, daemonNonce, nonce, host) });
    const { client, key, proof } = await receive('paired');
    // Verified before the key is stored: another program may have answered.
    if (!await verifyDaemon(proof, secret, daemonNonce, nonce, host)) throw new ConnectionError('impostor');
    pairing = { port, client: String(client), key: String(key) };
    return verifiedWelcome(await receive('welcome'), fromHex(pairing.key), daemonNonce, nonce, host);
  });
  if (!pairing) throw new ConnectionError('refused');
  return { pairing, ...opened };
}

/** @type {(message: Message, key: Uint8Array<ArrayBuffer>, daemonNonce: string, nonce: string, host: string) => Promise<Welcome>} */
async function verifiedWelcome(message, key, daemonNonce, nonce, host) {
  if (!await verifyDaemon(message['proof'], key, daemonNonce, nonce, host)) throw new ConnectionError('impostor');
  return /** @type {Welcome} */ (/** @type {unknown} */ (message));
}

/**
 * @typedef {{ [field: string]: unknown, type: string }} Message
 * @typedef {{ daemonNonce: string, nonce: string, host: string, pairingOpen: boolean, send: (message: object) => void,
 *   receive: (type: string) => Promise<Message> }} Exchange
 * @type {(port: number, client: string | null, prove: (exchange: Exchange) => Promise<Welcome>) => Promise<{ socket: WebSocket, welcome: Welcome }>}
 */
async function handshake(port, client, authenticate) {
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new ConnectionError('unreachable');
  const host = `127.0.0.1:${port}`;
  if (DELAYS_SOCKETS && !await isAnswered(host)) throw new ConnectionError('unreachable');
  const socket = new WebSocket(`ws://${host}/v1`, VERSION);
  socket.binaryType = 'arraybuffer';
  const { receive, stop } = receiver(socket);
  const send = (/** @type {object} */ message) => { socket.send(JSON.stringify(message)); };
  try {
    await receive('open');
    const nonce = randomHex(32);
    send({ type: 'hello', version: VERSION, client, nonce });
    const challenge = await receive('challenge');
    const welcome = await authenticate({
      daemonNonce: String(challenge['nonce']), nonce, host, pairingOpen: challenge['pairing'] === 'open', send, receive,
    });
    stop();
    return { socket, welcome };
  } catch (error) {
    stop();
    socket.close();
    if (!(error instanceof ConnectionError)) throw new ConnectionError('refused');
    // No browser says why a socket did not open. If something answers a plain request, it is another program or version.
    throw error.reason === 'foreign' && !await isAnswered(host) ? new ConnectionError('unreachable') : error;
  }
}

/**
 * Firefox delays each new socket to a port where one failed, by up to a minute: a daemon that came back would still seem to be away.
 * There, a plain request, which is never delayed, first finds out whether anything listens.
 */
const DELAYS_SOCKETS = 'getBrowserInfo' in chrome.runtime;

/** Whether anything listens there, whatever it answers. @param {string} host */
async function isAnswered(host) {
  try {
    await fetch(`http://${host}/`, { mode: 'no-cors', cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(HANDSHAKE_MS) });
    return true;
  } catch {
    return false;
  }
}

/** Receives the messages of a handshake one at a time. @param {WebSocket} socket */
function receiver(socket) {
  /** @type {Message[]} */
  const received = [];
  /** @type {ConnectionError | null} */
  let failure = null;
  /** @type {() => void} */
  let wake = () => {};
  const controller = new AbortController();
  const { signal } = controller;
  const fail = (/** @type {'unreachable' | 'foreign' | 'refused'} */ reason) => {
    failure ??= new ConnectionError(reason);
    wake();
  };
  let opened = false;
  const deadline = setTimeout(() => { fail('unreachable'); }, HANDSHAKE_MS);
  socket.addEventListener('open', () => { opened = true; received.push({ type: 'open' }); wake(); }, { signal });
  socket.addEventListener('close', () => { fail(opened ? 'refused' : 'foreign'); }, { signal });
  socket.addEventListener('message', ({ data }) => {
    try {
      received.push(JSON.parse(data));
      wake();
    } catch {
      fail('refused');
    }
  }, { signal });
  return {
    /** @param {string} type @returns {Promise<Message>} */
    async receive(type) {
      while (received.length === 0) {
        if (failure) throw failure;
        await new Promise((resolve) => { wake = () => { resolve(undefined); }; });
      }
      const message = /** @type {Message} */ (received.shift());
      if (message?.type !== type) throw new ConnectionError('refused');
      return message;
    },
    stop() {
      clearTimeout(deadline);
      controller.abort();
    },
  };
}
