import assert from 'node:assert/strict';
import { existsSync, mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ServerOptions, startServer } from './server.ts';

/** A stand-in that behaves as the body says, so that the harness is tested and not the server. */
function standIn(body: string): { command: NonNullable<ServerOptions['command']> } & Disposable {
  const folder = mkdtempDisposableSync(join(tmpdir(), 'understudy-'));
  const file = join(folder.path, 'stand-in.mjs');
  writeFileSync(
    file,
    `const log = (record) => console.log(JSON.stringify(record));
     const ready = () => log({ event: 'ready', listeners: [{ kind: 'rtmp', host: '127.0.0.1', port: 4, secure: false }] });
     setInterval(() => {}, 1000);
     ${body}`,
  );
  return { command: [process.execPath, file], [Symbol.dispose]: () => folder.remove() };
}
const OBEYS = `process.on('SIGTERM', () => process.exit(0));`;

test('a server that gets ready is known by its ports, gets its files, and is stopped', async () => {
  using main = standIn(`${OBEYS} log({ event: 'args', args: process.argv.slice(2) }); ready();`);
  let root: string;
  {
    await using server = await startServer({
      command: main.command,
      applications: { 'live/': '', 'auth/main.ts': '// a' },
      set: { 'A.B': 'c=d' },
    });
    root = server.root;
    assert.equal(server.url('live', 'camera?key=1'), 'rtmp://127.0.0.1:4/live/camera?key=1');
    assert.throws(() => server.listener('rtmp', true), /no secure rtmp listener/);
    assert.equal(readFileSync(join(root, 'applications/auth/main.ts'), 'utf8'), '// a');
    assert.ok(existsSync(join(root, 'applications/live')));
    const { args } = await server.waitForLog(({ event }) => event === 'args');
    assert.deepEqual(args, [
      ...['start', '--root', root],
      ...['--set', 'ADAPTOR.HOSTPORT=127.0.0.1:0', '--set', 'SERVER.ADMINSERVER_HOSTPORT=127.0.0.1:0'],
      ...['--set', 'A.B=c=d'],
    ]);
  }
  assert.ok(!existsSync(root));
});

test('a server that ends before it is ready is quoted', async () => {
  using main = standIn(`console.error('no such port'); process.exit(1);`);
  await assert.rejects(startServer({ command: main.command }), /the server ended \(1\)[\s\S]*no such port/);
  await assert.rejects(startServer({ command: ['/no/such/file'] }), /ENOENT/);
});

test('a bug in the log fails the test that did not look for it', async () => {
  using main = standIn(`${OBEYS} log({ kind: 'bug', msg: 'oops' }); ready();`);
  const server = await startServer({ command: main.command });
  await assert.rejects(async () => server[Symbol.asyncDispose](), /logged bugs/);
});

test('a server that stops with another exit code than 0 fails the test', async () => {
  using main = standIn(`process.on('SIGTERM', () => process.exit(3)); ready();`);
  const server = await startServer({ command: main.command });
  await assert.rejects(server.stop(), /the server failed/);
  await assert.rejects(async () => server[Symbol.asyncDispose](), /the server failed/);
});

test('waiting for the log looks back, from a place on, and forward', async () => {
  using main = standIn(
    `${OBEYS} log({ n: 1 }); ready(); setTimeout(() => log({ n: 2, event: 'runner', pid: 7 }), 50);`,
  );
  await using server = await startServer({ command: main.command });
  assert.equal((await server.waitForLog(({ n }) => n !== undefined)).n, 1);
  assert.equal((await server.waitForLog(({ n }) => n !== undefined, 5000, server.log.length)).n, 2);
  assert.equal(await server.runnerPid(), 7);
  await assert.rejects(
    server.waitForLog(({ n }) => n === 3, 10),
    /10 ms passed before the log record/,
  );
});

test('a server that is killed needs no stop', async () => {
  using main = standIn('ready();');
  await using server = await startServer({ command: main.command });
  await server.kill9();
  await assert.rejects(
    server.waitForLog(() => false),
    /the server ended \(SIGKILL\)/,
  );
});
