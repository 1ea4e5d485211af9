/** The scripts that every page of a site that is on gets stay small. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sizes } from './size.js';

test('the code is within 22 kB, and the comments do not outgrow it', () => {
  const { shipped, code } = sizes();
  assert.ok(code > 5000 && code <= 22_000, `${code} bytes of code`);
  assert.ok(shipped <= 32_500, `${shipped} bytes with comments`);
});
