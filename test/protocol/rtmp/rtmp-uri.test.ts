import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseRtmpUri } from '../../../src/protocol/rtmp/rtmp-uri.ts';

/** The parts in one line: scheme host port app tcUrl. */
function parts(text: string): string | undefined {
  const uri = parseRtmpUri(text);
  return uri && [uri.scheme, uri.host, uri.port, uri.app, uri.tcUrl].join(' ');
}

describe('the address of an application', () => {
  test('S-10: without a port RTMP means 1935, and RTMPS 443', () => {
    assert.equal(parts('rtmp://host/app'), 'rtmp host 1935 app rtmp://host/app');
    assert.equal(parts('rtmps://host/app'), 'rtmps host 443 app rtmps://host/app');
    assert.equal(parseRtmpUri('rtmps://host/app')?.hasDefaultPort, true);
  });

  test('names a port, an instance and a query', () => {
    assert.equal(
      parts('RTMP://Media.Example.com:1936/app/room/1?key=a/b'),
      'rtmp media.example.com 1936 app/room/1?key=a/b rtmp://media.example.com:1936/app/room/1?key=a/b',
    );
    assert.equal(parseRtmpUri('rtmps://host:1935/app')?.hasDefaultPort, false);
    assert.equal(parseRtmpUri('rtmp://host:1935/app')?.hasDefaultPort, true);
    assert.equal(parts('rtmp://host/app/'), 'rtmp host 1935 app rtmp://host/app');
    assert.equal(parts('rtmp://host'), 'rtmp host 1935  rtmp://host/');
  });

  test('without a host is one of the same server', () => {
    assert.equal(parts('rtmp:/app/room'), 'rtmp localhost 1935 app/room rtmp://localhost/app/room');
    assert.equal(parts('rtmp:app'), 'rtmp localhost 1935 app rtmp://localhost/app');
  });

  test('S-33: has addresses of IPv6 in brackets', () => {
    assert.equal(
      parts('rtmp://[2001:DB8:0::1]:1936/app'),
      'rtmp [2001:db8::1] 1936 app rtmp://[2001:db8::1]:1936/app',
    );
    assert.equal(parts('rtmps://[::1]/app'), 'rtmps [::1] 443 app rtmps://[::1]/app');
  });

  test('writes an address in one way only', () => {
    assert.equal(parseRtmpUri('rtmp://0x7f.1/app')?.host, '127.0.0.1');
    assert.equal(parseRtmpUri('rtmp://2130706433/app')?.host, '127.0.0.1');
  });

  test('is nothing else', () => {
    const wrong = [
      ...['', 'host/app', 'http://host/app', 'rtmpe://host/app', 'rtmpt://host/app', 'rtmfp://host/app'],
      ...[
        'rtmp:///app',
        'rtmp://:1935/app',
        'rtmp://host:0/app',
        'rtmp://host:65536/app',
        'rtmp://host:x/app',
      ],
      ...[
        'rtmp://2001:db8::1/app',
        'rtmp://[::1/app',
        'rtmp://[host]/app',
        'rtmp://::1]/app',
        'rtmp://[]/app',
      ],
      ...['rtmp://user:password@host/app', 'rtmp://host/a b', 'rtmp://host/a\nb', 'rtmp://host/a#b'],
      `rtmp://host/${'a'.repeat(40_000)}`,
    ];
    for (const text of wrong) assert.equal(parseRtmpUri(text), undefined, text.slice(0, 80));
  });
});
