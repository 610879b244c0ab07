import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as openSocket } from 'node:net';
import { test } from 'node:test';
import { membersOf } from '../../../src/protocol/amf/amf.ts';
import { Core } from '../../support/core.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';

const clients = {
  ...{ wireChunkBytes: 60_000, idleTimeoutMs: undefined },
  ...{ serverToClientBytes: 2_500_000, clientToServerBytes: 2_500_000 },
  origin: {
    problem: ({ pageUrl, swfUrl }: { pageUrl: string; swfUrl: string }) =>
      pageUrl === 'http://good/' && swfUrl === 'http://good/a.swf' ? undefined : 'It comes from nowhere.',
  },
};

/** From an address that is not this machine's usual one. */
async function stranger(core: Core): Promise<RtmpPeer> {
  const socket = openSocket({ host: '127.0.0.1', port: core.port, localAddress: '127.0.0.2' });
  await once(socket, 'connect');
  return RtmpPeer.over(socket);
}

test('page and SWF are judged before the application hears of a client', async () => {
  await using core = await Core.start({ registry: { settingsFor: () => ({ clients }) } });
  await using bad = await stranger(core);
  const refused = await bad.connect('live', { pageUrl: 'http://bad/', swfUrl: 'http://good/a.swf' });
  assert.equal(refused.name, '_error');
  assert.equal(membersOf(refused.args[0])?.code, 'NetConnection.Connect.Rejected');
  assert.equal(core.instance(), undefined);
  await using good = await stranger(core);
  const accepted = await good.connect('live', { pageUrl: 'http://good/', swfUrl: 'http://good/a.swf' });
  assert.equal(accepted.name, '_result');
});

test('encoders and this machine itself are not asked where they come from', async () => {
  await using core = await Core.start({ registry: { settingsFor: () => ({ clients }) } });
  assert.equal((await (await core.peer()).connect('live')).name, '_result');
  await using encoder = await stranger(core);
  assert.equal((await encoder.connect('live', { flashVer: 'FMLE/3.0' })).name, '_result');
});
