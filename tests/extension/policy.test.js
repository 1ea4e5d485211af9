/** The policy: reading, changing, sharing and combining rules. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { channelFor, matchesOf, normalHost, offeredSites, siteOf } from '../../extension/policy/hosts.js';
import {
  exportPolicy, fixedFor, hostsOn, importPolicy, initialPolicy, readManaged, readPolicy, ruleFor, withDefault, withRule,
} from '../../extension/policy/policy.js';
import { answered, questionOf, remembered } from '../../extension/policy/remembered_answers.js';
import { MEDIA, MODES, STRENGTHS, UNPROTECTED, initialRule, withProtector } from '../../extension/policy/rule.js';
import { stricter } from '../../extension/policy/stricter.js';
import { fromItems, merged, toItems } from '../../extension/policy/sync_items.js';

const json = async (name) => JSON.parse(await readFile(new URL(`../../extension/${name}`, import.meta.url), 'utf8'));
const sites = await json('sites.json');
const KINDS = ['social', 'messenger', 'fediverse', 'pictures', 'dating', 'market'];
const on = (host, rule = {}) => withRule(initialPolicy(), host, { mode: 'cloak', ...rule });

test('a new policy has every site off', () => {
  assert.equal(ruleFor(initialPolicy(), 'example.social').mode, 'off');
  assert.deepEqual(hostsOn(initialPolicy()), []);
  assert.deepEqual(readPolicy(undefined), initialPolicy());
});

test('a rule applies to one host, and overrides the default field by field', () => {
  const policy = withRule(on('a.example'), 'a.example', { strength: 'strong' });
  assert.deepEqual(ruleFor(policy, 'a.example'), { ...initialRule(), mode: 'cloak', strength: 'strong' });
  assert.equal(ruleFor(policy, 'b.a.example').mode, 'off');
  assert.deepEqual(hostsOn(policy), ['a.example']);
  assert.deepEqual(hostsOn(withRule(policy, 'a.example', null)), []);
});

test('the default fills what a site\'s rule leaves open, and switches no site on', () => {
  const policy = withDefault(on('a.example'), { strength: 'strong', media: 'cancel' });
  assert.equal(ruleFor(policy, 'a.example').strength, 'strong');
  assert.equal(ruleFor(withRule(policy, 'a.example', { media: 'original' }), 'a.example').media, 'original');
  assert.throws(() => withDefault(policy, { mode: 'cloak' }), /policy\.default\.mode/);
});

test('managed rules override this time only, that overrides the site\'s rule, and that the default', () => {
  const managed = readManaged({ default: { strength: 'strong' }, sites: { 'a.example': { mode: 'block' } } });
  const policy = on('a.example', { strength: 'subtle', media: 'original' });
  const once = /** @type {const} */ ({ mode: 'off', strength: 'balanced', unprotected: 'attempt' });
  assert.deepEqual(
    ruleFor(policy, 'a.example', { managed, once }),
    { ...initialRule(), mode: 'block', strength: 'strong', unprotected: 'attempt', media: 'original' },
  );
  assert.equal(ruleFor(policy, 'a.example', { once }).mode, 'off');
  assert.equal(ruleFor(policy, 'a.example', { once: null }).mode, 'cloak');
  assert.deepEqual(fixedFor(managed, 'a.example'), { mode: 'block', strength: 'strong' });
  assert.deepEqual(fixedFor(managed, 'b.example'), { strength: 'strong' });
  assert.deepEqual(fixedFor(undefined, 'b.example'), {});
});

test('a site that an organisation switches on or off is on or off, whatever the person chose', () => {
  const managed = readManaged({ sites: { 'a.example': { mode: 'off' }, 'b.example': { mode: 'ask' } } });
  assert.deepEqual(hostsOn(on('a.example'), managed), ['b.example']);
});

test('managed storage accepts what its schema says, and nothing else', async () => {
  assert.deepEqual(readManaged(undefined), { default: {}, sites: {} });
  assert.deepEqual(readManaged({}), { default: {}, sites: {} });
  assert.throws(() => readManaged({ default: { mode: 'on' } }), /managed\.default\.mode/);
  const { properties } = (await json('managed_schema.json')).properties.default;
  assert.deepEqual(Object.keys(properties).sort(), Object.keys(initialRule()).sort());
  for (const [name, choices] of Object.entries({ mode: MODES, strength: STRENGTHS, unprotected: UNPROTECTED, media: MEDIA })) {
    assert.deepEqual(properties[name].enum, [...choices], name);
  }
});

test('protectors are chosen one by one, and at least one remains', () => {
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
  withRule(before, 'a.example', { mode: 'cloak' });
  withDefault(before, { strength: 'strong' });
  assert.deepEqual(before, initialPolicy());
});

test('a policy of schema 1 is migrated', () => {
  const old = {
    schema: 1,
    default: { mode: 'off', protectors: ['scene'], strength: 'subtle', sensitive: [] },
    sites: { 'a.example': { mode: 'on', strength: 'strong' }, 'b.example': { mode: 'off' }, 'c.example': { sensitive: ['person'] } },
  };
  const before = structuredClone(old);
  assert.deepEqual(readPolicy(old), {
    schema: 2,
    default: { ...initialRule(), protectors: ['scene'], strength: 'subtle' },
    sites: { 'a.example': { mode: 'cloak', strength: 'strong' }, 'b.example': { mode: 'off' }, 'c.example': { sensitive: ['person'] } },
  });
  assert.deepEqual(old, before);
  assert.throws(() => readPolicy({ ...old, sites: { 'a.example': { mode: 'perhaps' } } }), TypeError);
  assert.throws(() => readPolicy({ ...old, sites: 'all' }), TypeError);
  assert.throws(() => readPolicy({ ...readPolicy(old), sites: { 'a.example': { mode: 'on' } } }), TypeError, 'no mode of today');
});

test('an exported policy can be imported', () => {
  const policy = withDefault(on('a.example', { sensitive: ['person'], channel: 'instagram', unprotected: 'attempt', media: 'cancel' }), { strength: 'subtle' });
  assert.deepEqual(importPolicy(exportPolicy(policy)), policy);
});

test('an invalid policy is refused, and the error says what is wrong and where', () => {
  const policy = on('a.example');
  const wrong = /** @type {const} */ ([
    ['on', /JSON/], ['', /JSON/], [null, /not an object/], [1, /not an object/], [[], /not an object/], [{}, /policy\.schema/],
    [{ ...policy, schema: 3 }, /policy\.schema: 3/], [{ ...policy, schema: '__proto__' }, /policy\.schema/],
    [{ ...policy, sites: [] }, /policy\.sites/], [{ ...policy, default: null }, /policy\.default/],
    [{ ...policy, default: { mode: 'cloak' } }, /policy\.default\.mode/], [{ ...policy, extra: 1 }, /"extra"/],
    [{ ...policy, sites: { 'a.example': { mode: 'perhaps' } } }, /policy\.sites\["a\.example"\]\.mode: not one of off, ask, cloak, block/],
    [{ ...policy, sites: { 'a.example': { strength: 'most' } } }, /strength/],
    [{ ...policy, sites: { 'a.example': { protectors: [] } } }, /protectors: at least one/],
    [{ ...policy, sites: { 'a.example': { protectors: ['objects', 'visual'] } } }, /visual stands alone/],
    [{ ...policy, sites: { 'a.example': { sensitive: [1] } } }, /sensitive/],
    [{ ...policy, sites: { 'a.example': { channel: 'Not one' } } }, /channel/],
    [{ ...policy, sites: { 'a.example': { unprotected: 'yes' } } }, /unprotected/],
    [{ ...policy, sites: { 'a.example': { media: 'attempt' } } }, /media/],
    [{ ...policy, sites: { 'a.example': { toString: 'x' } } }, /"toString"/],
    [{ ...policy, sites: { 'A example': { mode: 'cloak' } } }, /"A example" is not a host/],
  ]);
  for (const [stored, message] of wrong) {
    const text = typeof stored === 'string' ? stored : JSON.stringify(stored);
    assert.throws(() => importPolicy(text), { name: 'TypeError', message }, text);
  }
});

test('another browser reads what one shares, site by site', () => {
  const policy = withRule(on('a.example'), 'b.example', { mode: 'ask', strength: 'strong' });
  const items = toItems(policy);
  assert.deepEqual(Object.keys(items).sort(), ['default', 'schema', 'site:a.example', 'site:b.example']);
  assert.deepEqual(fromItems(structuredClone(items)), policy);
  assert.equal(fromItems({}), null);
  assert.throws(() => fromItems({ ...items, 'site:a.example': { mode: 'on' } }), TypeError);
});

test('two browsers that begin to share keep the sites of both; for a site of both, this browser\'s rule', () => {
  const there = withRule(on('a.example', { strength: 'subtle' }), 'b.example', { mode: 'block' });
  const together = merged(on('a.example', { strength: 'strong' }), there);
  assert.deepEqual(together.sites, { 'a.example': { mode: 'cloak', strength: 'strong' }, 'b.example': { mode: 'block' } });
});

test('a remembered answer is what the site gets next time', () => {
  assert.deepEqual(remembered('ask', 'cloak'), { mode: 'cloak' });
  assert.deepEqual(remembered('ask', 'original'), { mode: 'off' });
  assert.deepEqual(remembered('ask', 'cancel'), { mode: 'block' });
  for (const [code, field, choices] of /** @type {const} */ ([
    ['not-protected', 'unprotected', ['attempt', 'original', 'cancel']], ['animated', 'media', ['original', 'cancel']],
  ])) {
    assert.equal(questionOf(code), field);
    for (const choice of choices) {
      const rule = remembered(code, choice);
      assert.deepEqual(rule, { [field]: choice });
      assert.equal(answered(code, ruleFor(on('a.example', rule), 'a.example')), choice);
    }
    assert.equal(remembered(code, 'retry'), null);
    assert.equal(answered(code, ruleFor(on('a.example'), 'a.example')), null);
  }
});

test('no answer about an absent daemon is remembered', () => {
  const everything = ruleFor(on('a.example', { unprotected: 'original', media: 'original' }), 'a.example');
  for (const code of ['unreachable', 'unpaired', 'silent', 'internal', 'too-large', 'truncated']) {
    assert.equal(questionOf(code), null);
    for (const choice of ['retry', 'attempt', 'original', 'cancel']) assert.equal(remembered(code, choice), null);
    assert.equal(answered(code, everything), null);
  }
});

test('two rules combine into the stricter, field by field; one that is off does not count', () => {
  const mild = { ...initialRule(), mode: 'cloak', protectors: ['objects'], strength: 'subtle', unprotected: 'original', media: 'cancel' };
  const hard = { ...initialRule(), mode: 'ask', protectors: ['scene'], strength: 'strong', unprotected: 'ask', media: 'original' };
  const both = { ...hard, protectors: ['objects', 'scene'], media: 'cancel' };
  assert.deepEqual(stricter(mild, hard), { ...both, channel: mild.channel });
  assert.deepEqual(stricter(hard, mild), { ...both, protectors: ['scene', 'objects'] });
  assert.deepEqual(stricter(hard, initialRule()), hard);
  assert.deepEqual(stricter(initialRule(), hard), hard);
  assert.deepEqual(stricter({ ...mild, protectors: ['visual'] }, hard).protectors, ['visual']);
  const quick = { ...mild, strength: 'instant' };
  assert.equal(stricter(quick, mild).strength, 'subtle');
  assert.equal(stricter(mild, quick).strength, 'subtle');
});

test('hosts are read from what people type', () => {
  assert.equal(normalHost(' https://Example.Social/upload?x '), 'example.social');
  assert.equal(normalHost('127.0.0.1:8080'), '127.0.0.1');
  assert.equal(normalHost('https://bsky.app./'), 'bsky.app');
  assert.equal(normalHost('bücher.example'), 'xn--bcher-kva.example');
  for (const text of ['', 'file:///etc/passwd', 'chrome://settings', 'about:blank', 'two words', '*']) assert.equal(normalHost(text), null, text);
});

test('a stored host with the dot of an absolute name is the host without it', () => {
  const policy = readPolicy({ ...initialPolicy(), sites: { 'bsky.app.': { mode: 'cloak' } } });
  assert.equal(ruleFor(policy, 'bsky.app').mode, 'cloak');
  assert.throws(() => readPolicy({ ...initialPolicy(), sites: { '.': { mode: 'cloak' } } }), TypeError);
});

test('matches cover both schemes of exactly one host', () => {
  assert.deepEqual(matchesOf('a.example'), ['http://a.example/*', 'https://a.example/*']);
  assert.deepEqual(matchesOf('a.example', true), ['http://a.example/*', 'https://a.example/*', 'http://a.example./*', 'https://a.example./*']);
  assert.deepEqual(matchesOf('127.0.0.1', true), matchesOf('127.0.0.1'));
});

test('sites.json names each host once, with a kind, a mode and a channel', () => {
  assert.ok(sites.sites.length >= 25);
  const hosts = sites.sites.flatMap((site) => site.hosts);
  assert.equal(new Set(hosts).size, hosts.length);
  for (const site of sites.sites) {
    assert.ok(KINDS.includes(site.kind), site.name);
    assert.match(site.channel, /^[a-z][a-z0-9_-]{0,31}$/, site.name);
    assert.ok(site.hosts.length || site.software?.length, site.name);
    assert.ok(MODES.includes(site.mode), site.name);
    for (const host of site.hosts) {
      assert.equal(normalHost(host), host);
      assert.equal(channelFor(sites, host), site.channel);
      assert.equal(siteOf(sites, host), site);
    }
  }
  assert.equal(channelFor(sites, 'unknown.example'), null);
  assert.deepEqual(offeredSites({ sites: [{ ...sites.sites[0], mode: 'off' }, sites.sites[1]] }), [sites.sites[1]]);
});
