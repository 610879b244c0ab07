import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ProxyHeader, ProxyHeaderReader } from '../../../src/adaptor/ports/proxy-protocol.ts';
import { DecodeError } from '../../../src/errors.ts';
import { hex } from '../../support/hex.ts';

const REST = Buffer.from('the connection itself');
const text = (line: string) => Buffer.from(line, 'latin1');
const SIGNATURE = '0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a';
const nothing: ProxyHeader = { source: undefined, destination: undefined, isTls: false };

const HEADERS: [name: string, wire: Uint8Array, header: ProxyHeader][] = [
  [
    'version 1, TCP4', // the specification's own example
    text('PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n'),
    {
      source: { address: '255.255.255.255', port: 65535 },
      destination: { address: '255.255.255.255', port: 65535 },
      isTls: false,
    },
  ],
  [
    'version 1, TCP6',
    text('PROXY TCP6 2001:db8::7 ::1 50000 1935\r\n'),
    {
      source: { address: '2001:db8::7', port: 50000 },
      destination: { address: '::1', port: 1935 },
      isTls: false,
    },
  ],
  ['version 1, UNKNOWN', text('PROXY UNKNOWN\r\n'), nothing],
  [
    'version 1, UNKNOWN with what must be ignored, as long as it may be',
    text(`PROXY UNKNOWN ${'f'.repeat(91)}\r\n`),
    nothing,
  ],
  [
    'version 2, TCP over IPv4',
    hex(`${SIGNATURE}
         21 11 00 0c             # version 2, PROXY; TCP over IPv4; 12 bytes
         cb 00 71 07 c0 a8 01 01 # 203.0.113.7, 192.168.1.1
         c3 50 07 8f             # 50000, 1935`),
    {
      source: { address: '203.0.113.7', port: 50000 },
      destination: { address: '192.168.1.1', port: 1935 },
      isTls: false,
    },
  ],
  [
    'version 2, TCP over IPv6, through TLS, other extensions around it',
    hex(`${SIGNATURE}
         21 21 00 34
         20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 07
         00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01
         c3 50 01 bb
         04 00 02 00 00             # NOOP
         20 00 05 01 00 00 00 01    # SSL: the client connected over it
         ea 00 00`),
    {
      source: { address: '2001:db8::7', port: 50000 },
      destination: { address: '::1', port: 443 },
      isTls: true,
    },
  ],
  [
    'version 2, an SSL extension of a connection without TLS',
    hex(`${SIGNATURE} 21 11 00 14
         7f 00 00 01 7f 00 00 01 00 01 00 02
         20 00 05 00 00 00 00 01`),
    {
      source: { address: '127.0.0.1', port: 1 },
      destination: { address: '127.0.0.1', port: 2 },
      isTls: false,
    },
  ],
  ['version 2, LOCAL', hex(`${SIGNATURE} 20 00 00 00`), nothing],
  [
    'version 2, LOCAL with addresses',
    hex(`${SIGNATURE} 20 11 00 0c 01 02 03 04 05 06 07 08 00 01 00 02`),
    nothing,
  ],
  ['version 2, a Unix socket', hex(`${SIGNATURE} 21 31 00 d8 ${'00'.repeat(216)}`), nothing],
];

describe('a PROXY header', () => {
  for (const [name, wire, header] of HEADERS) {
    test(`${name}: read whole, and a byte at a time`, () => {
      const whole = new ProxyHeaderReader().push(Buffer.concat([wire, REST]));
      assert.deepEqual(whole, { header, rest: REST });

      const reader = new ProxyHeaderReader();
      for (const byte of wire.subarray(0, -1)) assert.equal(reader.push(Uint8Array.of(byte)), undefined);
      assert.deepEqual(reader.push(wire.subarray(-1)), { header, rest: Buffer.alloc(0) });
    });
  }

  const WRONG: [name: string, wire: Uint8Array][] = [
    ['RTMP', Uint8Array.of(3)],
    ['HTTP that begins with P', text('POST / HTTP/1.1\r\n')],
    ['a line that does not end', text(`PROXY TCP4 ${'1'.repeat(96)}`)],
    ['an address of the other family', text('PROXY TCP4 ::1 ::1 1 2\r\n')],
    ['an address with a zone', text('PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n')],
    ['a port above 65535', text('PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n')],
    ['a port with a sign', text('PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n')],
    ['two spaces', text('PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n')],
    ['a datagram protocol by text', text('PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n')],
    ['version 3', hex(`${SIGNATURE} 31 11 00 00`)],
    ['command 2', hex(`${SIGNATURE} 22 11 00 00`)],
    ['more bytes than anyone needs', hex(`${SIGNATURE} 21 11 10 01`)],
    ['addresses cut short', hex(`${SIGNATURE} 21 11 00 0b ${'00'.repeat(11)}`)],
    ['an extension that ends beyond', hex(`${SIGNATURE} 21 11 00 10 ${'00'.repeat(12)} 04 00 02 00`)],
    ['an extension without its length', hex(`${SIGNATURE} 21 11 00 0e ${'00'.repeat(12)} 04 00`)],
  ];
  for (const [name, wire] of WRONG) {
    test(`${name} is refused`, () => {
      assert.throws(
        () => new ProxyHeaderReader().push(wire),
        (error: unknown) => error instanceof DecodeError && error.code === 'ERR_PROXY_HEADER',
      );
    });
  }
});
