// RTMP in HTTP requests: whole conversations through a tunnel, then single requests in every order that there is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core } from '../support/core.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { TunnelClient } from '../support/tunnel-client.ts';

test('S-05: a session begins inside HTTP requests to the port of RTMP', async () => {
  await using core = await Core.start();
  const client = await TunnelClient.open(core.port);
  await using peer = await RtmpPeer.over(client.asSocket);
  const answer = await peer.connect('live');
  assert.equal(answer.name, '_result');
  const id = await peer.createStream();
  assert.equal(id, 1);
});
