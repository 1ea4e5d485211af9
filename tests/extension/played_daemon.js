/** A daemon that is played here, as far as extension/background/handshake.js and connection.js see it: a WebSocket and its proofs. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

export const PAIRING = { port: 38917, client: 'c1', key: '0b'.repeat(32) };
const NONCE = 'd0'.repeat(32);

/** @type {(clientNonce: string) => string} */
const proof = (clientNonce) => createHmac('sha256', Buffer.from(PAIRING.key, 'hex'))
  .update(`cloakroom.v1\ndaemon\n${NONCE}\n${clientNonce}\n127.0.0.1:${PAIRING.port}`).digest('hex');

/** Operations of WebCrypto that are under way: no timer may run out meanwhile. */
let proving = 0;
const subtle = Object.getPrototypeOf(crypto.subtle);
for (const name of ['importKey', 'sign', 'verify']) {
  const native = subtle[name];
  subtle[name] = function counted(...values) {
    proving += 1;
    return native.apply(this, values).finally(() => { proving -= 1; });
  };
}

export class PlayedDaemon {
  /** The frames that the client sent after the handshake: an object for a text frame, bytes for a binary one. @type {(object | Uint8Array)[]} */
  frames = [];
  /** The open socket. @type {EventTarget | null} */
  socket = null;
  /** How many sockets were opened. */
  opened = 0;
  #clock;
  #chunk;
  /** The client's, of the handshake. */
  #nonce = '';

  /**
   * @param {{ tick: (milliseconds: number) => void }} clock the client's timers
   * @param {number} chunk the bytes of a chunk, as it is told the client
   */
  constructor(clock, chunk) {
    this.#clock = clock;
    this.#chunk = chunk;
    const daemon = this;
    globalThis.WebSocket = class extends EventTarget {
      constructor(address, version) {
        super();
        assert.deepEqual([address, version], [`ws://127.0.0.1:${PAIRING.port}/v1`, 'cloakroom.v1']);
        daemon.opened += 1;
        queueMicrotask(() => { this.dispatchEvent(new Event('open')); });
      }

      send(frame) { daemon.#receive(this, typeof frame === 'string' ? JSON.parse(frame) : new Uint8Array(frame)); }

      // Only a client that does not believe the daemon closes its socket.
      close() { if (daemon.socket === this) daemon.lose(1000); }
    };
  }

  #receive(socket, frame) {
    if (frame.type === 'hello') {
      this.#nonce = frame.nonce;
      say(socket, { type: 'challenge', nonce: NONCE, pairing: 'closed' });
    } else if (frame.type === 'proof') {
      this.socket = socket;
      say(socket, {
        type: 'welcome', proof: proof(this.#nonce), device: 'cpu', models: 'embedded', version: '0', protectors: [], classes: [],
        limits: { bytes: 1e6, pixels: 1e6, chunk: this.#chunk, queue: 4 },
      });
    } else {
      assert.equal(socket, this.socket, 'a frame to a socket that is lost');
      this.frames.push(frame);
    }
  }

  /** @param {object | Uint8Array} frame */
  send(frame) {
    assert.ok(this.socket, 'no socket is open');
    say(this.socket, frame);
  }

  /** @param {number} code of the close frame; 1006 where there was none */
  lose(code) {
    const lost = this.socket;
    this.socket = null;
    lost?.dispatchEvent(Object.assign(new Event('close'), { code }));
  }

  /**
   * Waits until a condition holds: first for what is under way, then for the client's timers.
   * @type {(holds: () => boolean, seconds: number, what: string) => Promise<void>}
   */
  async until(holds, seconds, what) {
    for (let waited = 0; ; waited += 100) {
      await this.settle();
      if (holds()) return;
      assert.ok(waited < 1000 * seconds, what);
      this.#clock.tick(100);
    }
  }

  /** Waits for what is under way, and for no timer. */
  async settle() {
    for (let quiet = 0; quiet < 10; quiet = proving ? 0 : quiet + 1) await setImmediate();
  }
}

/** @type {(socket: EventTarget, frame: object | Uint8Array) => void} */
function say(socket, frame) {
  const data = frame instanceof Uint8Array ? new Uint8Array(frame).buffer : JSON.stringify(frame);
  socket.dispatchEvent(new MessageEvent('message', { data }));
}
