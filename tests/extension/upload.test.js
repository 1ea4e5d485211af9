/** What the background lets go, tested with a fake connection and a fake hold window. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52];
const photo = (mark) => new Blob([Uint8Array.from([...PNG, mark])], { type: 'image/png' });
const bytesOf = async (blob) => Array.from(new Uint8Array(await blob.arrayBuffer()));

const rule = { mode: 'cloak', protectors: ['scene'], strength: 'balanced', sensitive: [] };
const kept = { local: {}, session: {} };
let managed = {};
const area = (name) => ({
  get: () => Promise.resolve(structuredClone(kept[name])),
  set: (values) => Promise.resolve(Object.assign(kept[name], structuredClone(values))),
});
const noBadge = { setBadgeText: () => Promise.resolve(), setBadgeBackgroundColor: () => Promise.resolve() };
globalThis.chrome = {
  runtime: { getURL: () => 'data:application/json,{"sites":[]}', getPlatformInfo: () => Promise.resolve({}) },
  storage: { local: area('local'), session: area('session'), managed: { get: () => Promise.resolve(managed) } },
  action: noBadge,
};
const { initialPolicy, withRule } = await import('../../extension/policy/policy.js');
const { Badge } = await import('../../extension/background/badge.js');
const { forgetOnce, setOnce } = await import('../../extension/background/once_rules.js');
const { Originals } = await import('../../extension/background/originals.js');
const { ContentPorts } = await import('../../extension/background/content_ports.js');
const { JobError } = await import('../../extension/background/connection.js');

const TAB = 7;
let marks = 0;
let jobs = [];
let asked = [];
let report = {};
let failure = null;
/** The person's answers, one after the other; then they cancel. */
let answers = [];
let contentPorts;

beforeEach(async () => {
  jobs = [];
  asked = [];
  answers = [];
  managed = {};
  failure = null;
  report = { protected: true, psnr: 40 };
  await forgetOnce(TAB);
  kept.local = { policy: withRule(withRule(initialPolicy(), 'one.example', rule), 'two.example', rule) };
  kept.session.last = undefined;
  const connection = {
    protect: (request, _blob, _again, tell) => {
      jobs.push(request);
      tell({ stage: 'scene', done: 1, total: 2 });
      marks += 1;
      return failure ? Promise.reject(failure) : Promise.resolve({ blob: photo(100 + marks), report });
    },
    cancel: () => {},
  };
  const holdWindow = {
    ask: (waiting) => { asked.push(waiting); return Promise.resolve(answers.shift() ?? { choice: 'cancel', remember: false }); },
    withdraw: () => {},
  };
  contentPorts = new ContentPorts(connection, holdWindow, new Badge(), new Originals());
});

const setRule = (host, change) => { kept.local.policy = withRule(kept.local.policy, host, change); };
const ruleOf = (host) => kept.local.policy.sites[host];

/** Uploads a file from a page: the background's answer, and the states that it showed before. */
const uploadWith = (blob, host = 'one.example', hold = 'h') => new Promise((resolve) => {
  const listeners = [];
  const states = [];
  contentPorts.adopt({
    sender: { origin: `https://${host}`, url: `https://${host}/`, tab: { id: TAB } },
    postMessage: (message) => {
      if (message.type === 'status') states.push(message.state);
      else resolve({ answer: message, states });
    },
    onMessage: { addListener: (listener) => { listeners.push(listener); } },
    onDisconnect: { addListener: () => {} },
  });
  const parcel = { name: 'me.png', type: 'image/png', size: blob.size, blob };
  for (const listener of listeners) listener({ type: 'hold', hold, jobs: ['0'.repeat(32)], parcels: [parcel], again: false, missing: [] });
});
const upload = async (...values) => (await uploadWith(...values)).answer;

test('a cloaked photo that the page uploads once more goes as it is', async () => {
  const first = await upload(photo(1));
  assert.equal(first.type, 'release');
  const given = first.parcels[0].blob;
  assert.notDeepEqual(await bytesOf(given), await bytesOf(photo(1)));
  const last = kept.session.last;
  assert.deepEqual(await upload(new Blob([await given.arrayBuffer()])), { type: 'release', hold: 'h', parcels: [null] });
  assert.equal(jobs.length, 1);
  assert.equal(kept.session.last, last, 'nothing was uploaded that the popup should show');
});

test('the original is cloaked each time', async () => {
  await upload(photo(2));
  const again = await upload(photo(2));
  assert.ok(again.parcels[0].blob);
  assert.equal(jobs.length, 2);
});

test('a photo that was cloaked for another site is cloaked for this one', async () => {
  const { parcels } = await upload(photo(3));
  const other = await upload(parcels[0].blob, 'two.example');
  assert.ok(other.parcels[0].blob);
  assert.equal(jobs.length, 2);
});

test('a photo that was cloaked under another rule is cloaked under the new one', async () => {
  const { parcels } = await upload(photo(4));
  setRule('one.example', { protectors: ['objects', 'scene'] });
  const after = await upload(parcels[0].blob);
  assert.ok(after.parcels[0].blob);
  assert.deepEqual(jobs.map(({ policy }) => policy.protectors), [['scene'], ['objects', 'scene']]);
});

test('an unprotected photo is sent only if the person says so, and never taken for a cloaked one', async () => {
  report = { protected: false, psnr: 40 };
  assert.equal((await upload(photo(5))).type, 'refuse');
  assert.deepEqual(asked.map(({ code, choices }) => [code, choices]), [['not-protected', ['retry', 'attempt', 'original', 'cancel']]]);
  assert.equal((await upload(photo(100 + marks))).type, 'refuse');
  assert.equal(asked.length, 2);
});

test('a site that is set to ask asks before a photo is sent anywhere', async () => {
  setRule('one.example', { mode: 'ask' });
  assert.equal((await upload(photo(6))).type, 'refuse');
  assert.deepEqual(asked.map(({ code, choices }) => [code, choices]), [['ask', ['cloak', 'original', 'cancel']]]);
  assert.deepEqual(jobs, [], 'the daemon has seen nothing');
  answers = [{ choice: 'cloak', remember: false }];
  assert.ok((await upload(photo(6))).parcels[0].blob);
  assert.equal(jobs.length, 1);
  answers = [{ choice: 'original', remember: false }];
  assert.deepEqual(await upload(photo(6)), { type: 'release', hold: 'h', parcels: [null] });
  assert.equal(jobs.length, 1);
  assert.equal(kept.session.last.outcome, 'original');
});

test('a site where photos are blocked gets none, and the status says why', async () => {
  setRule('one.example', { mode: 'block' });
  const { answer, states } = await uploadWith(photo(7));
  assert.equal(answer.type, 'refuse');
  assert.deepEqual(states, ['blocked']);
  assert.deepEqual([jobs.length, asked.length, kept.session.last.outcome], [0, 0, 'blocked']);
  const text = new Blob(['no photo at all, but words']);
  assert.deepEqual((await upload(text)).parcels, [null], 'other files go');
});

test('a remembered answer is not asked for again', async () => {
  setRule('one.example', { mode: 'ask' });
  answers = [{ choice: 'cloak', remember: true }];
  await upload(photo(8));
  assert.equal(ruleOf('one.example').mode, 'cloak');
  report = { protected: false, psnr: 40 };
  answers = [{ choice: 'attempt', remember: true }];
  assert.ok((await upload(photo(9))).parcels[0].blob);
  assert.equal(ruleOf('one.example').unprotected, 'attempt');
  assert.deepEqual(asked.map(({ remembers }) => remembers), [['cloak', 'original', 'cancel'], ['attempt', 'original', 'cancel']]);
  assert.ok((await upload(photo(10))).parcels[0].blob);
  assert.equal(asked.length, 2);
  assert.equal(kept.session.last.outcome, 'weak');
});

test('an image that can never be cloaked follows the site\'s rule for it; a failure of the daemon does not', async () => {
  setRule('one.example', { media: 'original', unprotected: 'original' });
  failure = new JobError('animated');
  assert.deepEqual((await upload(photo(11))).parcels, [null]);
  assert.equal(asked.length, 0);
  failure = new JobError('unreachable');
  assert.equal((await upload(photo(12))).type, 'refuse');
  assert.deepEqual(asked.map(({ code, remembers }) => [code, remembers]), [['unreachable', []]]);
});

test('what an organisation fixed is neither asked for nor overridden by a remembered answer', async () => {
  managed = { sites: { 'one.example': { mode: 'ask' } } };
  answers = [{ choice: 'cloak', remember: false }];
  await upload(photo(13));
  assert.deepEqual(asked[0].remembers, []);
  managed = { default: { mode: 'block' } };
  assert.equal((await upload(photo(14))).type, 'refuse');
  managed = { default: { mode: 'perhaps' } };
  assert.equal((await upload(photo(15))).type, 'refuse', 'rules that cannot be read let nothing go');
  assert.equal(jobs.length, 1);
});

test('a rule for this time only ends after one upload of that host in that tab', async () => {
  await setOnce(TAB, 'one.example', { mode: 'off' });
  assert.ok((await upload(photo(16), 'two.example')).parcels[0].blob, 'another host');
  assert.ok((await upload(new Blob(['words']))).parcels, 'no photo');
  assert.deepEqual((await upload(photo(17))).parcels, [null]);
  assert.equal(kept.session.last.outcome, 'original');
  assert.ok((await upload(photo(17))).parcels[0].blob);
});

test('of two uploads at once one gets the rule for this time only', async () => {
  await setOnce(TAB, 'one.example', { mode: 'off' });
  const [first, second] = await Promise.all([upload(photo(18)), upload(photo(19), 'one.example', 'other')]);
  assert.deepEqual([first, second].map(({ parcels }) => parcels[0] === null).sort(), [false, true]);
});

test('the page\'s status shows the progress and the outcome', async () => {
  const { states } = await uploadWith(photo(20));
  assert.equal(states[0], 'working');
  assert.equal(states.at(-1), 'cloaked');
});

test('a photo of a host without any rule is not let go without asking', async () => {
  assert.deepEqual((await upload(photo(1), 'three.example')).type, 'refuse');
  assert.deepEqual(asked.map(({ code, choices }) => [code, choices]), [['no-rule', ['original', 'cancel']]]);
  assert.equal(jobs.length, 0);
});

test('a host that a person switched off gets its photos as they are, also by its absolute name', async () => {
  setRule('two.example', { mode: 'off' });
  for (const host of ['two.example', 'two.example.']) {
    const answer = await upload(photo(1), host, host);
    assert.deepEqual([answer.type, answer.parcels], ['release', [null]]);
  }
  assert.deepEqual(asked, []);
});
