/** A problem report says how things stand, and nothing of photos, sites, names or keys. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemReport } from '../../extension/popup/problem_report.js';

const SECRETS = ['secret.example', 'person', 'data:image', 'their-service', 'buildings'];
const report = {
  protected: true, psnr: 40, seconds: { total: 2 }, width: 240, notes: ['person'],
  verdicts: [{ protector: 'scene', protected: true, before: ['buildings'], after: ['street'] }],
};
const state = {
  connection: 'ready', port: 1, worker: 'ready', queued: 0, device: 'cpu', models: 'embedded', version: '0.1.0',
  protectors: ['objects', 'visual-their-service'], classes: ['person'], waiting: 1, missing: ['secret.example'], unreadable: 'sites["secret.example"]', notFound: ['Range.startContainer'],
  last: { host: 'secret.example', when: 1, photos: 1, outcome: 'cloaked', seconds: 2, psnr: 40, codes: ['silent'], reports: [report] },
  pictures: [{ host: 'secret.example', before: 'data:image/x', after: 'data:image/x', report }],
};
const policy = {
  schema: 2,
  default: { mode: 'off', protectors: ['objects', 'visual-their-service'], sensitive: ['person', 'buildings'], channel: 'their-service', extra: 'person' },
  sites: { 'secret.example': { mode: 'cloak' } },
};
const known = { state, policy, version: '0.1.0', browser: 'Browser/1', when: new Date(0) };

const RULE = { mode: 'off', protectors: ['objects', 'visual-imported'], sensitive: 2, channel: true };

test('it has the measurements, and nothing private', () => {
  const made = problemReport(known);
  assert.equal(made.daemon.version, '0.1.0');
  assert.deepEqual(made.rules, { schema: 2, default: RULE, sites: 1, without_permission: 1, readable: false });
  assert.deepEqual(made.last.codes, ['silent']);
  assert.equal(made.last.reports[0].psnr, 40);
  assert.deepEqual(made.built_ins_not_found, ['Range.startContainer']);
  for (const secret of SECRETS) assert.ok(!JSON.stringify(made).includes(secret), secret);
});

test('it has nothing of rules that cannot be read', () => {
  for (const stored of [{ schema: 'person', default: 'person' }, { default: ['person'] }, { default: { mode: 'person', strength: { person: 1 }, media: 'person', protectors: [['person']], sensitive: 'person' } }]) {
    assert.ok(!JSON.stringify(problemReport({ ...known, policy: stored })).includes('person'));
  }
});

test('it can be made without a daemon, and with rules that cannot be read', () => {
  assert.equal(problemReport({ ...known, state: null, policy: 'broken' }).daemon, null);
});
