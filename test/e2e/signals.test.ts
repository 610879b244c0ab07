import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from '../support/server.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} stops the server in order`, async () => {
    await using server = await startServer();
    assert.deepEqual(await server.signal(signal), { code: 0, signal: null });
    assert.equal(server.log.filter(({ event }) => event === 'stopping').length, 1);
  });
}

test('Ctrl-C that npm passes on a moment later is still one Ctrl-C', async () => {
  await using server = await startServer();
  const ended = server.signal('SIGINT');
  await server.waitForLog(({ event }) => event === 'stopping');
  server.signal('SIGINT');
  assert.deepEqual(await ended, { code: 0, signal: null });
});
