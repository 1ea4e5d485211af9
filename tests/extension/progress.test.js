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
/** Those of a photo that a network still read after its first round. */
const ROUNDS = [
  ...STAGES.slice(0, 8), step('reading', 0, 1), step('objects', 4, 4), step('quality', 6, 18), step('reading', 0, 1),
  step('search', 4, 4), step('quality', 12, 18), ...STAGES.slice(8),
];

test('the share only grows, whichever protector has its turn, and is never all before the photo is there', () => {
  const shares = STAGES.map(shareOf);
  assert.deepEqual(shares, [...shares].sort((one, other) => one - other));
  assert.ok(shares[0] === 0 && shares[3] < 0.15 && shares.at(-1) < 1);
});

test('further rounds leave the bar room to grow, as the most that is said so far', () => {
  let most = 0;
  const shown = ROUNDS.map((stage) => (most = Math.max(most, shareOf(stage))));
  assert.equal(new Set(shown.slice(7)).size, 5);
  assert.ok(shown[7] < 0.8 && shown.at(-3) < 0.9);
});

test('half of the steps are a third of the way', () => {
  assert.ok(Math.abs(shareOf(step('objects', 7, 14)) - 0.35) < 1e-9);
});

test('a total of nothing is nothing, and more than all is all', () => {
  assert.equal(shareOf(step('objects', 3, 0)), 0);
  assert.equal(shareOf(step('quality', 9, 6)), 0.95);
});
