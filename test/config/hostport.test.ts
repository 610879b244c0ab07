import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ListenAddress, parseHostPort } from '../../src/config/hostport.ts';

function listen(host: string | undefined, port: number, secure = false): ListenAddress {
  return { host, port, secure };
}

const accepted: [string, ...ListenAddress[]][] = [
  ['127.0.0.1:1935,80,443', listen('127.0.0.1', 1935), listen('127.0.0.1', 80), listen('127.0.0.1', 443)],
  [':1935,80', listen(undefined, 1935), listen(undefined, 80)],
  ['127.0.0.1', listen('127.0.0.1', 1935)],
  ['127.0.0.1:', listen('127.0.0.1', 1935)],
  ['', listen(undefined, 1935)],
  [':', listen(undefined, 1935)],
  [':1935,-443', listen(undefined, 1935), listen(undefined, 443, true)],
  [' :1935 , 80 ', listen(undefined, 1935), listen(undefined, 80)],
  ['[::1]:1935', listen('::1', 1935)],
  ['[::]', listen('::', 1935)],
  ['[fe80::a%2]:1935,-443', listen('fe80::a%2', 1935), listen('fe80::a%2', 443, true)],
  ['[fe80::a%eth0]:0', listen('fe80::a%eth0', 0)],
  ['127.0.0.1:0', listen('127.0.0.1', 0)],
  [':0,-0', listen(undefined, 0), listen(undefined, 0, true)],
  ['localhost:1935', listen('localhost', 1935)],
  ['media-1.example.com', listen('media-1.example.com', 1935)],
  [':65535', listen(undefined, 65535)],
];
for (const [text, ...addresses] of accepted) {
  test(`"${text}" is ${addresses.length} address(es)`, () => {
    assert.deepEqual(parseHostPort(text, 1935), addresses);
  });
}

test('S-33, S-34: an address of IPv6 stands in brackets, with its zone if it needs one', () => {
  assert.deepEqual(parseHostPort('[2001:db8::1]:443', 1935), [listen('2001:db8::1', 443)]);
  for (const zone of ['3', 'eth0', 'br-lan.7']) {
    assert.deepEqual(parseHostPort(`[fe80::1%${zone}]:-443`, 1935), [listen(`fe80::1%${zone}`, 443, true)]);
  }
});

const refused: [string, RegExp][] = [
  ['1935', /":1935"/],
  [':65536', /"65536" is not a port/],
  [':123456', /"123456" is not a port/],
  [':1935,', /"" is not a port/],
  [':,80', /"" is not a port/],
  [':+80', /"\+80" is not a port/],
  [':--80', /"--80" is not a port/],
  [':80x', /"80x" is not a port/],
  [':1 935', /"1 935" is not a port/],
  [':1935,1935', /port 1935 is listed twice/],
  [':1935,-1935', /port 1935 is listed twice/],
  ['::1:1935', /needs brackets/],
  ['::1', /needs brackets/],
  ['[::1', /expected \[IPv6 address\]:port/],
  ['[::1]1935', /expected \[IPv6 address\]:port/],
  ['[127.0.0.1]:1935', /"127\.0\.0\.1" is not an IPv6 address/],
  ['[]:1935', /"" is not an IPv6 address/],
  ['[fe80::a%]:1935', /"" is not an IPv6 zone/],
  ['256.0.0.1:1935', /"256\.0\.0\.1" is not an IPv4 address/],
  ['10.60:1935', /"10\.60" is not an IPv4 address/],
  ['*:1935', /is neither an address nor a host name/],
  ['a b:1935', /is neither an address nor a host name/],
  ['rtmp://host', /is no address and no host name|is not a port/],
];
for (const [text, message] of refused) {
  test(`"${text}" is refused`, () => {
    assert.throws(() => parseHostPort(text, 1935), { code: 'ERR_CONFIG_HOSTPORT', message });
  });
}
