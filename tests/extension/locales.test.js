/** Every message that the extension uses exists in every language, and none is unused. */
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';

const root = new URL('../../extension/', import.meta.url);
const languages = await readdir(new URL('_locales/', root));
const all = Object.fromEntries(await Promise.all(languages.map(async (language) => (
  [language, JSON.parse(await readFile(new URL(`_locales/${language}/messages.json`, root), 'utf8'))]
))));
const messages = all.en;
const files = (await readdir(root, { recursive: true })).filter((name) => /\.(js|html|json)$/.test(name) && !name.startsWith('_locales'));
const text = (await Promise.all(files.map((name) => readFile(new URL(name, root), 'utf8')))).join('\n');
const stems = [...text.matchAll(/`([a-z]+_)\$\{|stem: '([a-z]+_)'/g)].map((match) => match[1] ?? match[2]);
/** Stems that follow a field's name. */
const FIELDS = ['mode_', 'strength_', 'unprotected_', 'media_'];

test('every message that is used exists', () => {
  const asked = [...text.matchAll(/words\('([a-z_]+)'|data-(?:words|label)="([a-z_]+)"|__MSG_([a-z_]+)__/g)].map((match) => match[1] ?? match[2] ?? match[3]);
  asked.push(...[...text.matchAll(/words\([^'`]+ \? '([a-z_]+)' : '([a-z_]+)'/g)].flatMap((match) => [match[1], match[2]]));
  assert.ok(asked.length > 80);
  for (const name of asked) assert.ok(messages[name], name);
  assert.ok(stems.length > 10);
  for (const stem of stems) assert.ok(Object.keys(messages).some((name) => name.startsWith(stem)), stem);
});

test('every message is used', () => {
  const begun = [...stems, ...FIELDS];
  for (const name of Object.keys(messages)) {
    assert.ok(text.includes(`'${name}'`) || text.includes(`"${name}"`) || text.includes(`__MSG_${name}__`) || begun.some((stem) => name.startsWith(stem)), name);
  }
});

test('every language has every message, with the same placeholders', () => {
  assert.ok(languages.length >= 4);
  for (const [language, own] of Object.entries(all)) {
    assert.deepEqual(Object.keys(own), Object.keys(messages), language);
    assert.equal(own.language.message, language);
    for (const [name, { message, placeholders }] of Object.entries(own)) {
      const where = `${language}: ${name}`;
      assert.ok(message.trim(), where);
      assert.deepEqual(placeholders, messages[name].placeholders, where);
      const named = (/** @type {string} */ said) => [...new Set(Array.from(said.matchAll(/\$([A-Z]+)\$/g), (match) => match[1].toLowerCase()))].sort();
      assert.deepEqual(named(message), named(messages[name].message), where);
      assert.ok(named(message).every((place) => place in (placeholders ?? {})), where);
    }
  }
});
