/** What the popup says about the last photos: whether they survive on the site, and what is expected of untried models. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

Object.assign(globalThis, {
  chrome: { i18n: { getMessage: (/** @type {string} */ name, /** @type {string[]} */ parts) => [name, ...(parts ?? [])].join('|') } },
  document: {},
});
const { resultWords } = await import('../../extension/shared/report_words.js');

/** @param {object[]} reports @param {string} outcome */
function said(reports, outcome = 'cloaked') {
  const last = { outcome, photos: reports.length, host: 'a.example', seconds: 2, psnr: 40, at: 0, codes: [], reports };
  return resultWords(/** @type {any} */ (last)).split(' ').filter((part) => !part.startsWith('result_'));
}
const estimate = (/** @type {number} */ probability) => ({ probability, low: probability - 0.1, high: probability + 0.1 });

test('of several photos the lowest estimate is shown', () => {
  const reports = [{ unseen: { scene: estimate(0.625) } }, { unseen: { scene: estimate(0.4), objects: estimate(0.2) } }];
  assert.deepEqual(said(reports).slice(-2), ['unseen_objects|20|10|30', 'unseen_scene|40|30|50']);
});

test('no estimate is shown for photos that were not cloaked, nor where none was fitted', () => {
  assert.ok(!said([{ unseen: { scene: estimate(0.4) } }], 'weak').some((part) => part.startsWith('unseen_')));
  assert.ok(!said([{ unseen: {} }, {}]).some((part) => part.startsWith('unseen_')));
});

test('one photo that the site undoes is enough to warn', () => {
  assert.ok(said([{ site: { channel: 'a', protected: true } }]).includes('site_keeps'));
  assert.ok(said([{ site: { channel: 'a', protected: true } }, { site: { channel: 'a', protected: false } }]).includes('site_loses'));
});

const verdict = (/** @type {string} */ adversary, /** @type {string[]} */ after) =>
  ({ protector: 'objects', adversary, before: ['person', 'dog'], after, protected: !after.some((name) => name === 'person') });

test('of several photos it says how many real models read none any more, and what the others still read', () => {
  const one = { models: 'pretrained', verdicts: [verdict('a', []), verdict('b', ['cat', 'person'])] };
  const two = { models: 'pretrained', verdicts: [verdict('a', ['cat']), verdict('b', [])] };
  assert.ok(said([one, two]).includes('machines_some|1|2|person'));
  assert.ok(said([two]).includes('machines_all|2'));
});

test('a model that read nothing in the photos is not counted as misled', () => {
  const blind = { ...verdict('c', []), before: [] };
  assert.ok(said([{ models: 'pretrained', verdicts: [verdict('a', []), blind] }]).includes('machines_all|1'));
  assert.ok(!said([{ models: 'pretrained', verdicts: [blind] }]).some((part) => part.startsWith('machines_')));
  const mistaken = { ...verdict('c', ['person']), before: [] };
  assert.ok(said([{ models: 'pretrained', verdicts: [verdict('a', []), mistaken] }]).includes('machines_some|1|2|nothing_read'));
});

test('where only demonstration models were tried it says so, whatever they read', () => {
  assert.ok(said([{ models: 'embedded', verdicts: [verdict('a', [])] }]).includes('machines_none'));
  assert.ok(!said([{ models: 'embedded', verdicts: [] }], 'original').some((part) => part.startsWith('machines_')));
});
