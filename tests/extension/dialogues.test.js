/** Tests extension/background/connection.js by the job dialogues of daemon/wire/vectors.json, by which the daemon is tested too. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { PAIRING, PlayedDaemon } from './played_daemon.js';

globalThis.chrome = { runtime: {} };
const { Connection } = await import('../../extension/background/connection.js');
const { dialogues } = JSON.parse(await readFile(new URL('../../daemon/wire/vectors.json', import.meta.url), 'utf8'));

/** Longer than the client waits for anything: a socket, a daemon that is busy, one that is silent. */
const PATIENCE = 60;

/** @param {string} text base64 */
const decoded = (text) => new Uint8Array(Buffer.from(text, 'base64'));
/** @param {Uint8Array} bytes */
const encoded = (bytes) => Buffer.from(bytes).toString('base64');

/** One dialogue with the real client. */
class Conversation {
  /** How the job ended, in the vectors' words. @type {object | null} */
  #outcome = null;
  /** The client's last report of the job. @type {{ progress: object | null, report: object | null }} */
  #told = { progress: null, report: null };
  /** The daemon's last report. @type {object | null} */
  #report = null;
  #dialogue;
  #clock;
  #daemon;
  #connection;

  constructor(dialogue, clock) {
    this.#dialogue = dialogue;
    this.#clock = clock;
    this.#daemon = new PlayedDaemon(clock, dialogue.chunk);
    this.#connection = new Connection(() => Promise.resolve(PAIRING));
  }

  async run() {
    for (const [number, step] of this.#dialogue.steps.entries()) {
      const [[kind, value]] = Object.entries(step);
      assert.ok(Object.hasOwn(this.#kinds, kind), `step ${number} is of an unknown kind: ${kind}`);
      await this.#kinds[kind](value, `step ${number}: ${JSON.stringify(step)}`);
    }
    await this.#daemon.settle();
    assert.deepEqual(this.#daemon.frames, [], 'frames that are not in the dialogue');
  }

  #kinds = {
    person: (act) => {
      if (act === 'cancel') this.#connection.cancel(this.#dialogue.job);
      else this.#protect(act);
    },
    client: async (message, where) => { assert.deepEqual(await this.#next(where), message, where); },
    client_chunk: async (chunk, where) => {
      const frame = await this.#next(where);
      assert.ok(frame instanceof Uint8Array, where);
      assert.equal(Buffer.from(frame.subarray(0, 16)).toString('hex'), this.#dialogue.job, where);
      assert.equal(encoded(frame.subarray(16)), chunk, where);
    },
    daemon: (message, where) => {
      this.#daemon.send(message);
      const { type, report, stage, done, total } = message;
      if (type === 'progress') assert.deepEqual(this.#told.progress, { stage, done, total }, where);
      if (type === 'result') this.#report = report;
    },
    daemon_chunk: (chunk) => { this.#daemon.send(Buffer.concat([Buffer.from(this.#dialogue.job, 'hex'), decoded(chunk)])); },
    lost: (code) => { this.#daemon.lose(typeof code === 'number' ? code : 1006); },
    outcome: async (outcome, where) => {
      await this.#daemon.until(() => this.#outcome !== null, PATIENCE, where);
      assert.deepEqual(this.#outcome, outcome, where);
      if (outcome.cloaked) assert.deepEqual(this.#told.report, this.#report, where);
    },
    wait: async (milliseconds, where) => {
      this.#clock.tick(milliseconds - 1);
      await this.#daemon.settle();
      assert.deepEqual(this.#daemon.frames, [], `${where}: sent too early`);
      this.#clock.tick(1);
      await this.#daemon.settle();
      assert.notEqual(this.#daemon.frames.length, 0, `${where}: sent too late`);
    },
    // What the daemon does inside.
    action: () => {},
    queue: () => {},
  };

  /** @param {string} act 'protect', or 'protect again' for a job that the daemon may know from an earlier background */
  #protect(act) {
    assert.ok(act === 'protect' || act === 'protect again', act);
    const told = this.#dialogue.steps.find(({ client }) => client?.type === 'protect')?.client ?? { job: this.#dialogue.job };
    const request = Object.fromEntries(Object.entries(told).filter(([key]) => key !== 'type'));
    this.#connection.protect(request, decoded(this.#dialogue.photo), act === 'protect again', (progress) => {
      this.#told.progress = progress;
    }).then(async ({ blob, report }) => {
      this.#told.report = report;
      this.#outcome = { cloaked: encoded(new Uint8Array(await blob.arrayBuffer())) };
    }, (error) => { this.#outcome = { failed: error.code }; });
  }

  /** The client's next frame. @param {string} where */
  async #next(where) {
    await this.#daemon.until(() => this.#daemon.frames.length > 0, PATIENCE, where);
    return this.#daemon.frames.shift();
  }
}

assert.ok(dialogues.length > 0);

for (const dialogue of dialogues) {
  test(`dialogue: ${dialogue.name}`, async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    await new Conversation(dialogue, context.mock.timers).run();
  });
}
