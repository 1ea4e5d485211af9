// @ts-check
/** The one connection to the daemon: opened when it is needed; jobs survive the loss of its socket. */
import { ConnectionError, connect, pair } from './handshake.js';
import { Assembly, frames, readFrame } from './protocol.js';

const RETRY_MS = [0, 300, 1500];
/** A job of which nothing is heard for this long has failed: the daemon reports at least every 10 s. */
const SILENCE_MS = 40_000;
const STATUS_MS = 4000;
/** The close code of a daemon that revoked this browser's pairing. */
const REFUSED = 4403;
/** How often a photo is sent at most: it may be what crashes the daemon. */
const MAX_SENDINGS = 3;
/** How long a photo that found the daemon's queue full waits before it is sent again. */
const BUSY_MS = 2000;

/** A job that ended without a photo. `code` is the daemon's, or a ConnectionError's reason, or "silent". */
export class JobError extends Error {
  /** @param {string} code @param {string} message a sentence for people, or empty */
  constructor(code, message = '') {
    super(message);
    this.code = code;
  }
}

/**
 * @typedef {(progress: { stage: string, done: number, total: number }) => void} OnProgress
 * @typedef {{ protected: boolean, psnr: number | null, seconds: { [stage: string]: number },
 *   site?: { channel: string, protected: boolean }, models?: string, [field: string]: unknown,
 *   verdicts?: { protector: string, adversary: string, protected: boolean, judge_only?: boolean, before: string[], after: string[] }[],
 *   unseen?: { [protector: string]: { probability: number, low: number, high: number } } }} Report
 *   the keys are those of daemon/wire/protocol.json (protectors/judging/judgement.py writes them); site: the verdict on the photo as
 *   the site will store it; unseen: how likely an untried model is fooled
 * @typedef {{ blob: Blob, report: Report }} Cloaked
 * @typedef {{ job: string, name: string, mime: string, size: number, channel: string | null,
 *   policy: { protectors: string[], strength: string, sensitive: string[] } }} Request
 * @typedef {{ request: Request, bytes: Uint8Array<ArrayBuffer>, again: boolean, sendings: number, assembly: Assembly | null,
 *   result: { mime: string, report: Report } | null, onProgress: OnProgress, resolve: (value: Cloaked) => void, reject: (error: Error) => void,
 *   timer: ReturnType<typeof setTimeout> | undefined }} Job
 */

export class Connection {
  /** @type {() => Promise<import('./handshake.js').Pairing | null>} */
  #loadPairing;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Promise<WebSocket> | null} */
  #opening = null;
  /** @type {Map<string, Job>} */
  #jobs = new Map();
  /** Jobs that were cancelled while there was no socket: the daemon may still work on them. @type {string[]} */
  #toCancel = [];
  /** @type {((state: { [field: string]: unknown }) => void)[]} */
  #statusWaiters = [];
  /** @type {import('./handshake.js').Welcome | null} */
  welcome = null;

  /** @param {() => Promise<import('./handshake.js').Pairing | null>} loadPairing */
  constructor(loadPairing) {
    this.#loadPairing = loadPairing;
  }

  /**
   * @param {number} port
   * @param {string} code
   * @param {string} label
   * @throws {ConnectionError}
   */
  async pair(port, code, label) {
    const { pairing, socket, welcome } = await pair(port, code, label);
    const earlier = this.#socket;
    this.#adopt(socket, welcome);
    if (earlier) {
      earlier.close();
      // The daemon knows this browser by a new name now, and none of its jobs.
      this.#resume();
    }
    return pairing;
  }

  /**
   * Has a photo cloaked.
   * @param {Request} request
   * @param {Uint8Array<ArrayBuffer>} bytes the photo
   * @param {boolean} again the daemon may know this job already
   * @param {OnProgress} onProgress called with the progress
   * @returns {Promise<Cloaked>} rejects with a JobError; `cancel` ends it
   */
  protect(request, bytes, again, onProgress) {
    return new Promise((resolve, reject) => {
      /** @type {Job} */
      const job = { request, bytes, again, sendings: 0, assembly: null, result: null, onProgress, resolve, reject, timer: undefined };
      this.#jobs.set(request.job, job);
      this.#restartTimer(job);
      this.#open(RETRY_MS).then((socket) => { this.#start(socket, job); }, (error) => { this.#fail(job, reasonOf(error)); });
    });
  }

  /** @param {string} name */
  cancel(name) {
    const job = this.#jobs.get(name);
    if (!job) return;
    if (this.#socket) this.#socket.send(JSON.stringify({ type: 'cancel', job: name }));
    else if (job.again || job.sendings) this.#toCancel.push(name);
    this.#fail(job, 'cancelled');
  }

  /**
   * @returns {Promise<{ [field: string]: unknown }>} the daemon's `state`
   * @throws {ConnectionError}
   */
  async status() {
    const socket = await this.#open([0]);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => { reject(new ConnectionError('unreachable')); }, STATUS_MS);
      this.#statusWaiters.push((state) => { clearTimeout(timer); resolve(state); });
      socket.send(JSON.stringify({ type: 'status' }));
    });
  }

  /** @param {readonly number[]} waits @returns {Promise<WebSocket>} */
  #open(waits) {
    if (this.#socket) return Promise.resolve(this.#socket);
    this.#opening ??= this.#tryToOpen(waits).finally(() => { this.#opening = null; });
    return this.#opening;
  }

  /** @param {readonly number[]} waits */
  async #tryToOpen(waits) {
    let failure = new ConnectionError('unreachable');
    let isForeign = false;
    for (const wait of waits) {
      if (wait) await new Promise((resolve) => { setTimeout(resolve, wait); });
      const pairing = await this.#loadPairing();
      if (!pairing) throw new ConnectionError('unpaired');
      try {
        const { socket, welcome } = await connect(pairing);
        this.#adopt(socket, welcome);
        return socket;
      } catch (error) {
        failure = error instanceof ConnectionError ? error : new ConnectionError('unreachable');
        // A daemon that refused will refuse again. A foreign answer gets a second try: the daemon may just have come up.
        if (failure.reason !== 'unreachable' && (isForeign || failure.reason !== 'foreign')) break;
        isForeign = failure.reason === 'foreign';
      }
    }
    throw failure;
  }

  /** @type {(socket: WebSocket, welcome: import('./handshake.js').Welcome) => void} */
  #adopt(socket, welcome) {
    this.#socket = socket;
    this.welcome = welcome;
    socket.addEventListener('message', ({ data }) => {
      try {
        if (typeof data === 'string') this.#receive(JSON.parse(data));
        else this.#receiveChunk(data);
      } catch {
        // The protocol was violated: the socket is no longer trusted.
        socket.close();
      }
    });
    for (const job of this.#toCancel.splice(0)) socket.send(JSON.stringify({ type: 'cancel', job }));
    socket.addEventListener('close', ({ code }) => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      if (code !== REFUSED) this.#resume();
      else for (const job of [...this.#jobs.values()]) this.#fail(job, 'refused');
    });
  }

  /** Fetches the jobs that the lost socket had. */
  #resume() {
    // Only these: a photo that comes meanwhile waits for the next socket by itself.
    const lost = [...this.#jobs.values()];
    if (lost.length === 0) return;
    for (const job of lost) {
      job.again = true;
      job.assembly = null;
      job.result = null;
    }
    this.#open([200, 500, 1000, 2000, 4000]).then((socket) => {
      for (const job of lost) this.#start(socket, job);
    }, (error) => {
      for (const job of lost) this.#fail(job, reasonOf(error));
    });
  }

  /** @type {(socket: WebSocket, job: Job) => void} */
  #start(socket, job) {
    if (this.#jobs.get(job.request.job) !== job || socket !== this.#socket) return;
    this.#restartTimer(job);
    if (job.again) {
      socket.send(JSON.stringify({ type: 'fetch', job: job.request.job }));
      return;
    }
    job.sendings += 1;
    socket.send(JSON.stringify({ type: 'protect', ...job.request }));
    for (const frame of frames(job.request.job, job.bytes, this.welcome?.limits.chunk)) socket.send(frame);
  }

  /** @param {{ type: string, job?: string, [field: string]: unknown }} message */
  #receive(message) {
    if (message.type === 'state') {
      for (const waiter of this.#statusWaiters.splice(0)) waiter(message);
      return;
    }
    const job = this.#jobs.get(message.job ?? '');
    if (!job) return;
    this.#restartTimer(job);
    if (message.type === 'progress') {
      job.onProgress({ stage: String(message['stage']), done: Number(message['done']), total: Number(message['total']) });
    } else if (message.type === 'result') {
      job.result = { mime: String(message['mime']), report: /** @type {Report} */ (message['report']) };
      job.assembly = new Assembly(Number(message['size']));
    } else if (message.type === 'error') {
      this.#receiveError(job, String(message['code']), String(message['message'] ?? ''));
    }
  }

  /** @type {(job: Job, code: string, message: string) => void} */
  #receiveError(job, code, message) {
    if (code === 'unknown-job' && job.again && job.sendings < MAX_SENDINGS && this.#socket) {
      job.again = false;
      this.#start(this.#socket, job);
    } else if (code === 'busy') {
      // Nothing to ask a person about. If the socket is lost meanwhile, the job continues on the next one.
      clearTimeout(job.timer);
      job.sendings -= 1;
      job.timer = setTimeout(() => {
        this.#restartTimer(job);
        if (this.#socket) this.#start(this.#socket, job);
      }, BUSY_MS);
    } else {
      this.#fail(job, code, message);
    }
  }

  /** @param {ArrayBuffer} buffer */
  #receiveChunk(buffer) {
    const { job: name, chunk } = readFrame(buffer);
    const job = this.#jobs.get(name);
    if (!job?.assembly || !job.result) return;
    this.#restartTimer(job);
    job.assembly.add(chunk);
    if (!job.assembly.complete) return;
    this.#forget(job);
    job.resolve({ blob: job.assembly.blob(job.result.mime), report: job.result.report });
  }

  /** @param {Job} job */
  #restartTimer(job) {
    clearTimeout(job.timer);
    job.timer = setTimeout(() => { this.#fail(job, 'silent'); }, SILENCE_MS);
  }

  /** @type {(job: Job, code: string, message?: string) => void} */
  #fail(job, code, message = '') {
    this.#forget(job);
    job.reject(new JobError(code, message));
  }

  /** @param {Job} job */
  #forget(job) {
    clearTimeout(job.timer);
    if (this.#jobs.get(job.request.job) === job) this.#jobs.delete(job.request.job);
  }
}

/** @param {unknown} error */
const reasonOf = (error) => (error instanceof ConnectionError ? error.reason : 'unreachable');
