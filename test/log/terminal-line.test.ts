import assert from 'node:assert/strict';
import { test } from 'node:test';
import { terminalLine } from '../../src/log/terminal-line.ts';

const plain = (record: Record<string, unknown>) => terminalLine(record, (text) => text);

test('a line of a script names its application, and its instance unless that is the default one', () => {
  const record = { level: 'info', event: 'script-log', application: 'live', msg: 'hello' };
  assert.equal(plain({ ...record, instance: '_definst_' }), '[live] hello');
  assert.equal(plain({ ...record, instance: 'room/7' }), '[live/room/7] hello');
  assert.equal(plain({ msg: 'client connected', instance: 'live/_definst_' }), '[live] client connected');
});

test('an instance that has its application’s name in front is labelled once', () => {
  const refused = { event: 'publish-refused', application: 'live', msg: 'publish refused: no' };
  assert.equal(plain({ ...refused, instance: 'live/_definst_' }), '[live] publish refused: no');
  assert.equal(plain({ ...refused, instance: 'live/room' }), '[live/room] publish refused: no');
  // instances are called as their clients like
  assert.equal(plain({ ...refused, instance: 'liver' }), '[live/liver] publish refused: no');
});

test('what the message says word for word does not stand behind it again', () => {
  const record = { event: 'connect-refused', reason: 'no such application', ip: '127.0.0.1' };
  assert.equal(
    plain({ ...record, msg: 'connect refused: no such application' }),
    'connect refused: no such application  ip=127.0.0.1',
  );
  assert.equal(
    plain({
      ...{ event: 'certificate', names: 'DNS:a.example, DNS:b.example', validTo: '2028-01-01T16:12:53.000Z' },
      msg: 'certificate for DNS:a.example, DNS:b.example, until 2028-01-01',
    }),
    'certificate for DNS:a.example, DNS:b.example, until 2028-01-01',
  );
});

test('a message that says its application is not labelled with it again', () => {
  assert.equal(
    plain({ application: 'live', msg: 'live: the new version serves', ms: 4 }),
    'live: the new version serves  ms=4',
  );
  const error = 'applications/live/main.ts:3:7: onPublish: Error: no';
  assert.equal(plain({ application: 'live', instance: '_definst_', kind: 'error', msg: error }), error);
  const relative = 'live/main.ts:3:7: onPublish: Error: no';
  assert.equal(plain({ event: 'script-error', application: 'live', msg: relative }), relative);
});

test('what a script says is labelled, however it begins', () => {
  const line = { event: 'script-log', application: 'live', instance: '_definst_' };
  for (const msg of ['live: 3 clients', 'live/show has begun', 'at http://example.com/live/show'])
    assert.equal(plain({ ...line, msg }), `[live] ${msg}`);
});

test('further facts stand behind the message as NAME=value, with quotes where a value has blanks', () => {
  assert.equal(
    plain({ event: 'disconnect', msg: 'client disconnected', reason: 'the client has left', bytes_in: 3222 }),
    'client disconnected  reason="the client has left" bytes_in=3222',
  );
  assert.equal(
    plain({ msg: 'm', list: ['a', 'b'], empty: '', none: undefined, object: { a: 1 } }),
    'm  list=a,b empty="" object="{\\"a\\":1}"',
  );
});

test('nothing stands behind a port but what the message says', () => {
  const facts = {
    adaptor: '_defaultRoot_',
    kind: 'rtmp',
    host: '0.0.0.0',
    port: 1935,
    family: 'v4',
    secure: false,
  };
  assert.equal(
    plain({ event: 'listening', ...facts, msg: 'listening on 0.0.0.0:1935' }),
    'listening on 0.0.0.0:1935',
  );
});

test('a peer can neither end the line nor forge a fact', () => {
  assert.equal(
    plain({ msg: 'a\nb', agent: 'x\u001b[2J" secure=true' }),
    'a\n    b  agent="x\\\\x1b[2J\\" secure=true"',
  );
});

test('an error shows its stack below', () => {
  assert.equal(
    plain({ msg: 'unexpected error', kind: 'bug', err: { message: 'm', stack: 'Error: m\n    at f' } }),
    'unexpected error\n    Error: m\n        at f',
  );
});
