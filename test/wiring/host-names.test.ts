import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostNames } from '../../src/wiring/host-names.ts';

test('a virtual host answers to its name and its aliases in any case', () => {
  const names = new HostNames('Example.com', ['www.example.com'], () => false);
  assert.ok(names.has('EXAMPLE.com'));
  assert.ok(names.has('WWW.Example.com'));
  assert.ok(!names.has('example.org'));
});

test('an administrator can remove the aliases that one has added, not those of Vhost.xml', () => {
  const names = new HostNames('example.com', ['www.example.com'], () => false);
  assert.ok(names.add('Live.Example.com'));
  assert.deepEqual(names.aliases, ['www.example.com', 'live.example.com']);
  assert.ok(!names.remove('www.example.com'));
  assert.ok(names.remove('LIVE.example.com'));
  assert.deepEqual(names.aliases, ['www.example.com']);
});

test('an alias that a virtual host of the adaptor has already is not added', () => {
  const names = new HostNames('example.com', [], (name) => name === 'taken.example.com');
  assert.ok(!names.add('taken.example.com'));
  assert.deepEqual(names.aliases, []);
});
