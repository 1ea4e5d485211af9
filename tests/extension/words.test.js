/** Every word that the extension's pages ask for exists, and none lies about unused. */
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';

const root = new URL('../../extension/', import.meta.url);
const messages = JSON.parse(await readFile(new URL('_locales/en/messages.json', root), 'utf8'));
const files = (await readdir(root, { recursive: true })).filter((name) => /\.(js|html|json)$/.test(name) && !name.startsWith('_locales'));
const text = (await Promise.all(files.map((name) => readFile(new URL(name, root), 'utf8')))).join('\n');

test('every word that is asked for exists', () => {
  const asked = [...text.matchAll(/words\('([a-z_]+)'|data-(?:words|label)="([a-z_]+)"|__MSG_([a-z_]+)__/g)].map((match) => match[1] ?? match[2] ?? match[3]);
  assert.ok(asked.length > 30);
  for (const name of asked) assert.ok(messages[name], name);
});

test('every word is used', () => {
  const stems = [...text.matchAll(/words\(`([a-z]+_)\$\{/g)].map((match) => match[1]);
  for (const name of Object.keys(messages)) {
    assert.ok(text.includes(`'${name}'`) || text.includes(`"${name}"`) || text.includes(`__MSG_${name}__`) || stems.some((stem) => name.startsWith(stem)), name);
  }
});
