import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Asked, askedIn, type HttpRoute, routeFor } from '../../../src/adaptor/http/http-route.ts';

function route(pattern: HttpRoute['pattern']): HttpRoute {
  return { pattern, methods: undefined, handle: () => {} };
}

const below = ({ path }: Asked) => path.startsWith('/live/');
const TABLE = [
  route('/'),
  route('/send/'),
  route('/live/crossdomain.xml'),
  route(below),
  route(({ host, localPort }) => host === 'example.com' && localPort === 80),
];

function indexFor(path: string, host?: string, localPort = 1935): number {
  return TABLE.indexOf(routeFor(TABLE, { path, host, localPort })!);
}

describe('the table of routes', () => {
  test('a path covers itself, one with a slash at its end everything below it, / itself alone', () => {
    assert.deepEqual(
      ['/', '/send/', '/send/a/b', '/send', '/else', '//'].map((path) => indexFor(path)),
      [0, 1, 1, -1, -1, -1],
    );
  });

  test('the first route that covers a request takes it', () => {
    assert.deepEqual(
      ['/live/crossdomain.xml', '/live/show'].map((path) => indexFor(path, 'example.com', 80)),
      [2, 3],
    );
  });

  test('a route may depend on the host and the port of a request', () => {
    assert.equal(indexFor('/else', 'example.com', 80), 4);
    assert.equal(indexFor('/else', 'example.com', 443), -1);
    assert.equal(indexFor('/else', 'example.org', 80), -1);
  });
});

describe('the first request of a connection', () => {
  const HEAD = 'GET /live/show?key=1 HTTP/1.1\r\nAccept: */*\r\nhost:  example.com \r\n\r\n';

  test('is known by its first line where paths are all that counts', () => {
    const line = HEAD.slice(0, HEAD.indexOf('\n'));
    assert.equal(askedIn(line, [route('/')], 80), undefined);
    assert.equal(askedIn(`${line}\n`, [route('/')], 80)?.path, '/live/show');
  });

  test('is known by its whole head where a route looks at more', () => {
    for (let length = 0; length < HEAD.length; length += 1)
      assert.equal(askedIn(HEAD.slice(0, length), TABLE, 80), undefined);
    assert.deepEqual(askedIn(HEAD, TABLE, 80), { path: '/live/show', host: 'example.com', localPort: 80 });
  });

  test('may have no host, also when its body looks like one', () => {
    const asked = askedIn('POST / HTTP/1.0\r\n\r\nHost: example.com\r\n', TABLE, 80);
    assert.deepEqual(asked, { path: '/', host: undefined, localPort: 80 });
  });
});
