/** How far a photo is said to be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareOf } from '../../extension/background/progress.js';

test('a photo is as far as the daemon says', () => {
  assert.deepEqual([0, 140, 1000].map((done) => shareOf({ done, total: 1000 })), [0, 0.14, 1]);
});

test('a total of nothing is nothing, and more than all is all', () => {
  assert.equal(shareOf({ done: 3, total: 0 }), 0);
  assert.equal(shareOf({ done: 9, total: 6 }), 1);
});
