/** The background's tables of handlers, and who may use them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

globalThis.chrome = { runtime: { id: 'ours', getURL: (path) => `chrome-extension://ours/${path}` } };
const { handleMessages, handlerOf, isOwnPage } = await import('../../extension/background/dispatch.js');

test('only the extension\'s own pages are its own', () => {
  assert.equal(isOwnPage({ id: 'ours', url: 'chrome-extension://ours/popup/popup.html' }), true);
  for (const sender of [undefined, {}, { id: 'ours' }, { id: 'ours', url: 'https://a.example/' }, { id: 'other', url: 'chrome-extension://ours/' }]) {
    assert.equal(isOwnPage(sender), false);
  }
});

test('a message goes to the handler of its type, and one of an unknown type to none', () => {
  const heard = [];
  const handlers = { hold: (message) => heard.push(message), alive: () => {} };
  let listener = () => {};
  handleMessages({ onMessage: { addListener: (added) => { listener = added; } } }, handlers);
  const messages = [{ type: 'hold', hold: '1' }, { type: 'alive' }, { type: 'toString' }, { type: 'Hold' }, { type: 7 }];
  for (const message of messages) listener(message);
  assert.deepEqual(heard, [messages[0]]);
  assert.deepEqual(messages.map((message) => handlerOf(handlers, message) !== null), [true, true, false, false, false]);
});
