/** What the background lets go, with a daemon that is played here. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52];
const photo = (mark) => new Blob([Uint8Array.from([...PNG, mark])], { type: 'image/png' });
const bytesOf = async (blob) => Array.from(new Uint8Array(await blob.arrayBuffer()));

const rule = { mode: 'on', protectors: ['scene'], strength: 'balanced', sensitive: [] };
const stored = {};
globalThis.chrome = {
  runtime: { getURL: () => 'data:application/json,{"sites":[]}', getPlatformInfo: () => Promise.resolve({}) },
  storage: { local: { get: () => Promise.resolve(stored) }, session: { set: (values) => Promise.resolve(Object.assign(stored, values)) } },
};
const { initialPolicy, withRule } = await import('../../extension/policy.js');
const { Uploads } = await import('../../extension/background/uploads.js');

let marks = 0;
let jobs = [];
let asked = [];
let report = {};
let uploads;

beforeEach(() => {
  jobs = [];
  asked = [];
  report = { protected: true, psnr: 40 };
  stored.policy = withRule(withRule(initialPolicy(), 'one.example', rule), 'two.example', rule);
  const connection = {
    protect: (request) => {
      jobs.push(request);
      marks += 1;
      return Promise.resolve({ blob: photo(100 + marks), report });
    },
    cancel: () => {},
  };
  const holdWindow = { ask: (waiting) => { asked.push(waiting); return Promise.resolve('cancel'); }, withdraw: () => {} };
  uploads = new Uploads(connection, holdWindow);
});

/** One upload of a page, and what the background answers. */
const upload = (blob, host = 'one.example') => new Promise((resolve) => {
  const listeners = [];
  uploads.adopt({
    sender: { origin: `https://${host}`, url: `https://${host}/` },
    postMessage: resolve,
    onMessage: { addListener: (listener) => { listeners.push(listener); } },
    onDisconnect: { addListener: () => {} },
  });
  const parcel = { name: 'me.png', type: 'image/png', size: blob.size, blob, text: null };
  for (const listener of listeners) listener({ type: 'hold', hold: 'h', jobs: ['0'.repeat(32)], parcels: [parcel], again: false });
});

test('a cloaked photo that the page reads once more goes as it is', async () => {
  const first = await upload(photo(1));
  assert.equal(first.type, 'release');
  const given = first.parcels[0].blob;
  assert.notDeepEqual(await bytesOf(given), await bytesOf(photo(1)));
  const last = stored.last;
  assert.deepEqual(await upload(new Blob([await given.arrayBuffer()])), { type: 'release', hold: 'h', parcels: [null] });
  assert.equal(jobs.length, 1);
  assert.equal(stored.last, last, 'nothing was uploaded that the popup should tell of');
});

test('the original is cloaked each time', async () => {
  await upload(photo(2));
  const again = await upload(photo(2));
  assert.ok(again.parcels[0].blob);
  assert.equal(jobs.length, 2);
});

test('what another site was given is cloaked for this one', async () => {
  const { parcels } = await upload(photo(3));
  const other = await upload(parcels[0].blob, 'two.example');
  assert.ok(other.parcels[0].blob);
  assert.equal(jobs.length, 2);
});

test('what was given under another rule is cloaked under the new one', async () => {
  const { parcels } = await upload(photo(4));
  stored.policy = withRule(stored.policy, 'one.example', { ...rule, protectors: ['objects', 'scene'] });
  const after = await upload(parcels[0].blob);
  assert.ok(after.parcels[0].blob);
  assert.deepEqual(jobs.map(({ policy }) => policy.protectors), [['scene'], ['objects', 'scene']]);
});

test('a photo that was not protected goes nowhere unless the person says so, and is never taken for a cloaked one', async () => {
  report = { protected: false, psnr: 40 };
  assert.equal((await upload(photo(5))).type, 'refuse');
  assert.deepEqual(asked.map(({ code, choices }) => [code, choices]), [['not-protected', ['retry', 'attempt', 'original', 'cancel']]]);
  assert.equal((await upload(photo(100 + marks))).type, 'refuse');
  assert.equal(asked.length, 2);
});
