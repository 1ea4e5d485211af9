/** How far a photo is said to be, over the stages of one as the daemon tells them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareOf } from '../../extension/background/progress.js';

const step = (stage, done, total) => ({ stage, done, total });
/** The stages of one photo, whose protectors take turns. */
const STAGES = [
  step('decode', 0, 1), step('reading', 0, 2), step('objects', 1, 14), step('search', 2, 14), step('objects', 7, 14), step('search', 14, 14),
  step('quality', 0, 18), step('quality', 3, 18), step('encode', 0, 1), step('judge', 0, 1),
];
/** The steps of a photo that networks still read after its first round, and after the second. */
const ROUNDS = [
  step('objects', 10, 22), step('reading', 0, 1), step('search', 14, 22), step('reading', 0, 1), step('objects', 18, 22), step('quality', 0, 6),
];

test('the share only grows, whichever protector has its turn, and is never all before the photo is there', () => {
  const shares = STAGES.map(shareOf);
  assert.deepEqual(shares, [...shares].sort((one, other) => one - other));
  assert.ok(shares[0] === 0 && shares[3] < 0.15 && shares.at(-1) < 1);
});

test('the bar grows in further rounds too, as the most that is said so far', () => {
  let most = 0;
  const shown = ROUNDS.map((stage) => (most = Math.max(most, shareOf(stage))));
  assert.equal(new Set(shown).size, 4);
  assert.ok(shown[0] < 0.35 && shown[4] < 0.6);
});

test('half of the steps are a third of the way', () => {
  assert.ok(Math.abs(shareOf(step('objects', 7, 14)) - 0.35) < 1e-9);
});

test('a total of nothing is nothing, and more than all is all', () => {
  assert.equal(shareOf(step('objects', 3, 0)), 0);
  assert.equal(shareOf(step('quality', 9, 6)), 0.95);
});
