import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import {
  channelFor, hostsOn, initialPolicy, matchesOf, normalHost, readPolicy, ruleFor, withProtector, withRule,
} from '../../extension/policy.js';

const sites = JSON.parse(await readFile(new URL('../../extension/sites.json', import.meta.url), 'utf8'));

test('a new policy has every site off', () => {
  assert.equal(ruleFor(initialPolicy(), 'example.social').mode, 'off');
  assert.deepEqual(hostsOn(initialPolicy()), []);
  assert.deepEqual(readPolicy(undefined), initialPolicy());
});

test('a rule is one host\'s, and overrides the default field by field', () => {
  const policy = withRule(withRule(initialPolicy(), 'a.example', { mode: 'on' }), 'a.example', { strength: 'strong' });
  assert.deepEqual(ruleFor(policy, 'a.example'), { mode: 'on', protectors: ['objects', 'scene'], strength: 'strong', sensitive: [] });
  assert.equal(ruleFor(policy, 'b.a.example').mode, 'off');
  assert.deepEqual(hostsOn(policy), ['a.example']);
  assert.deepEqual(hostsOn(withRule(policy, 'a.example', null)), []);
});

test('protectors are chosen one by one, and never none', () => {
  assert.deepEqual(withProtector(['objects', 'scene'], 'search', true), ['objects', 'search', 'scene']);
  assert.deepEqual(withProtector(['objects', 'search', 'scene'], 'objects', false), ['search', 'scene']);
  assert.deepEqual(withProtector(['scene'], 'scene', false), ['scene']);
});

test('visual stands alone', () => {
  assert.deepEqual(withProtector(['objects', 'scene'], 'visual', true), ['visual']);
  assert.deepEqual(withProtector(['visual'], 'visual-their', true), ['visual-their']);
  assert.deepEqual(withProtector(['visual'], 'scene', true), ['scene']);
  assert.deepEqual(withProtector(['visual'], 'visual', false), ['visual']);
  assert.deepEqual(withRule(initialPolicy(), 'a.example', { protectors: ['visual'] }).sites['a.example'], { protectors: ['visual'] });
  assert.throws(() => withRule(initialPolicy(), 'a.example', { protectors: ['objects', 'visual'] }), TypeError);
});

test('changing a policy leaves the old one as it was', () => {
  const before = initialPolicy();
  withRule(before, 'a.example', { mode: 'on' });
  assert.deepEqual(before, initialPolicy());
});

test('what is stored is read back, and nothing else is', () => {
  const policy = withRule(initialPolicy(), 'a.example', { mode: 'on', sensitive: ['person'] });
  assert.deepEqual(readPolicy(JSON.parse(JSON.stringify(policy))), policy);
  const wrong = [
    { ...policy, schema: 2 }, { ...policy, sites: [] }, { ...policy, default: null }, 'on', 1,
    { ...policy, sites: { 'a.example': { mode: 'perhaps' } } }, { ...policy, sites: { 'a.example': { strength: 'most' } } },
    { ...policy, sites: { 'a.example': { protectors: [] } } }, { ...policy, sites: { 'a.example': { sensitive: [1] } } },
    { ...policy, sites: { 'A example': { mode: 'on' } } },
  ];
  for (const stored of wrong) assert.throws(() => readPolicy(stored), TypeError, JSON.stringify(stored));
});

test('hosts are read from what people type', () => {
  assert.equal(normalHost(' https://Example.Social/upload?x '), 'example.social');
  assert.equal(normalHost('127.0.0.1:8080'), '127.0.0.1');
  assert.equal(normalHost('bücher.example'), 'xn--bcher-kva.example');
  for (const text of ['', 'file:///etc/passwd', 'chrome://settings', 'about:blank', 'two words', '*']) assert.equal(normalHost(text), null, text);
});

test('matches cover both schemes of exactly one host', () => {
  assert.deepEqual(matchesOf('a.example'), ['http://a.example/*', 'https://a.example/*']);
});

test('sites.json names each host once, with a channel and a source', () => {
  const hosts = sites.sites.flatMap((site) => site.hosts);
  assert.equal(new Set(hosts).size, hosts.length);
  for (const site of sites.sites) {
    assert.ok(site.source && site.trust && site.channel.name, site.name);
    for (const host of site.hosts) {
      assert.equal(normalHost(host), host);
      assert.equal(channelFor(sites, host), site.channel.name);
    }
  }
  assert.equal(channelFor(sites, 'unknown.example'), null);
});
