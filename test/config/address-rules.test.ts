import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AddressList, admitsAddress, admitsNames, Order } from '../../src/config/address-rules.ts';
import { ConfigError } from '../../src/errors.ts';

/** List, who is in it, who is not. */
const LISTS: [text: string, inside: string[], outside: string[]][] = [
  ['all', ['1.2.3.4', '::1'], []],
  ['', [], ['127.0.0.1', '::1']],
  ['192.168.1.7', ['192.168.1.7'], ['192.168.1.8', '::1']],
  ['10.60', ['10.60.0.1', '10.60.255.255'], ['10.6.0.1', '10.61.0.1', '110.60.0.1']],
  ['10.60.', ['10.60.3.4'], ['10.61.3.4']],
  ['10.60.*.*', ['10.60.3.4'], ['10.61.3.4']],
  ['10', ['10.1.2.3'], ['100.1.2.3', '101.0.0.1']],
  ['172.16.0.0/12', ['172.31.255.255'], ['172.32.0.0', '172.15.0.0']],
  ['0.0.0.0/0', ['8.8.8.8'], ['::1']],
  ['[::1]', ['::1'], ['::2', '127.0.0.1']],
  ['::1', ['::1'], ['::2']],
  ['[2001:db8::]/32', ['2001:db8:1::9'], ['2001:db9::']],
  ['[2001:db8::/32]', ['2001:db8:1::9'], ['2001:db9::']],
  ['[fe80::1%eth0]', ['fe80::1%eth0', 'fe80::1%eth1'], ['fe80::2%eth0']],
  ['10.1 , 10.2,[::1]', ['10.1.0.0', '10.2.0.0', '::1'], ['10.3.0.0']],
  ['10.60', ['::ffff:10.60.1.1'], ['::ffff:10.61.1.1']],
];

describe('a list of addresses', () => {
  for (const [text, inside, outside] of LISTS) {
    test(`"${text}" holds ${inside.join(', ') || 'nobody'}`, () => {
      const list = AddressList.parse(text);
      for (const address of inside) assert.equal(list.has(address), true, address);
      for (const address of outside) assert.equal(list.has(address), false, address);
    });
  }

  for (const item of [
    '10.0.0.0/33',
    '[::1]/129',
    '256.1',
    '1.2.3.4.5',
    '10..1',
    'a b',
    '-x-',
    '[::1',
    '10.1/8',
    '1.2.3.4/',
  ]) {
    test(`${item} is an error that names it`, () => {
      assert.throws(
        () => AddressList.parse(`all, ${item}`),
        (error: unknown) =>
          error instanceof ConfigError &&
          error.code === 'ERR_CONFIG_ADDRESS' &&
          error.message.includes(JSON.stringify(item)),
      );
    });
  }

  test('a domain name holds its hosts and itself, whatever the case, and no name that merely ends alike', () => {
    const list = AddressList.parse('Example.com, .example.org');
    for (const name of ['example.com', 'WWW.example.com', 'a.b.example.org.', 'example.org']) {
      assert.equal(list.hasName(name), true, name);
    }
    for (const name of ['notexample.com', 'example.com.evil.net', 'com'])
      assert.equal(list.hasName(name), false, name);
  });
});

describe('Allow, Deny and Order', () => {
  const rules = (allow: string, deny: string, order: Order) => ({
    allow: AddressList.parse(allow),
    deny: AddressList.parse(deny),
    order,
  });
  const CASES: [allow: string, deny: string, order: Order, address: string, answer: boolean][] = [
    ['all', '', Order.AllowDeny, '1.2.3.4', true],
    ['all', '1.2', Order.AllowDeny, '1.2.3.4', false],
    ['1.2.3.4', '1.2', Order.AllowDeny, '1.2.3.4', false],
    ['', '', Order.AllowDeny, '1.2.3.4', false],
    ['1.2.3.4', '1.2', Order.DenyAllow, '1.2.3.4', true],
    ['1.2.3.4', '1.2', Order.DenyAllow, '1.2.3.5', false],
    ['', '', Order.DenyAllow, '1.2.3.4', true],
    ['', 'all', Order.DenyAllow, '1.2.3.4', false],
    ['10.1', 'all', Order.DenyAllow, '10.1.0.1', true],
  ];
  for (const [allow, deny, order, address, answer] of CASES) {
    test(`Allow "${allow}", Deny "${deny}", Order "${order}": ${address} is ${answer ? 'let in' : 'kept out'}`, () => {
      assert.equal(admitsAddress(rules(allow, deny, order), address), answer);
      assert.equal(admitsNames(rules(allow, deny, order), address, ['example.com']), answer);
    });
  }

  test('names decide where addresses do not', () => {
    const allowed = rules('example.com', '', Order.AllowDeny);
    assert.equal(admitsAddress(allowed, '1.2.3.4'), undefined);
    assert.equal(admitsNames(allowed, '1.2.3.4', ['www.example.com']), true);
    assert.equal(admitsNames(allowed, '1.2.3.4', ['www.example.net']), false);
    assert.equal(admitsNames(allowed, '1.2.3.4', []), false);
    const denied = rules('all', 'example.com', Order.AllowDeny);
    assert.equal(admitsAddress(denied, '1.2.3.4'), undefined);
    assert.equal(admitsNames(denied, '1.2.3.4', ['example.com']), false);
    assert.equal(admitsNames(denied, '1.2.3.4', []), true);
  });

  test('nobody has to ask for names that change nothing', () => {
    assert.equal(admitsAddress(rules('10.1, example.com', '', Order.AllowDeny), '10.1.2.3'), true);
    assert.equal(admitsAddress(rules('example.com', '10.1', Order.AllowDeny), '10.1.2.3'), false);
    assert.equal(admitsAddress(rules('10.1', 'example.com', Order.DenyAllow), '10.1.2.3'), true);
  });
});
