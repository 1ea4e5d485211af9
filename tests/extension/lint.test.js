/** Lints the extension as addons.mozilla.org does, with the engine of `web-ext lint`. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const LINTER = fileURLToPath(new URL('node_modules/.bin/addons-linter', import.meta.url));
const EXTENSION = fileURLToPath(new URL('../../extension', import.meta.url));

/** The warnings that one folder for two browsers causes, and why they are right. */
const EXPECTED = {
  // For Chromium; Firefox runs background.scripts beside it.
  BACKGROUND_SERVICE_WORKER_IGNORED: 'manifest.json',
  // Chromium's way into a closed root, used where it exists; Firefox has a property of elements.
  UNSUPPORTED_API: 'content/content.js',
};

test('no errors, and no warnings but those of one manifest for two browsers', async () => {
  const { stdout } = await promisify(execFile)(execPath, [LINTER, '--output', 'json', EXTENSION]);
  const { errors, notices, warnings } = JSON.parse(stdout);
  assert.deepEqual(errors, []);
  assert.deepEqual(notices, []);
  assert.deepEqual(Object.fromEntries(warnings.map((/** @type {{code: string, file: string}} */ { code, file }) => [code, file])), EXPECTED);
  assert.equal(warnings.length, Object.keys(EXPECTED).length);
});
