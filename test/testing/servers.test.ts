import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { TestServer } from '../../src/testing/servers.ts';

test('streams of another server are played, lost and found again, and end with the connection', async () => {
  const server = new TestServer();
  const said: string[] = [];
  const link = server.accept([], {
    status: ({ code }) => said.push(code),
    ended: ({ code }) => said.push(code),
  });
  const events = (name: string) => ({
    started: () => said.push(`${name} started`),
    take: () => said.push(`${name} message`),
    lost: () => said.push(`${name} lost`),
    ended: () => said.push(`${name} ended`),
    failed: (code: string) => said.push(`${name} ${code}`),
  });
  link.play({ name: 'show', start: -1 }, events('show'));
  link.play({ name: 'film', start: 0 }, events('film'));
  await turn();
  server.publish('show').keyframe(0);
  const again = server.publish('show');
  again.unpublish();
  server.publish('show').audio(40);
  link.play({ name: 'show', start: -1 }, events('late')); // it gets what decoders need all the same
  await turn();
  server.close();
  assert.deepEqual(said, [
    'NetConnection.Connect.Success',
    'show started',
    'film NetStream.Play.StreamNotFound',
    'show message',
    'show message',
    'show lost',
    'show message',
    'show message',
    'late started',
    'late message',
    'show ended',
    'late ended',
    'NetConnection.Connect.Closed',
  ]);
});
