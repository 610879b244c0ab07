import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Journal } from '../../../src/application/accounts/journal.ts';
import type { SwfPolicy } from '../../../src/application/admission/swf.ts';
import { UserControlEvent } from '../../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { digestSwf, encodeSwfProof, type SwfDigest, signSwf } from '../../../src/protocol/rtmp/swf.ts';
import { Core, type CoreOptions, until } from '../../support/core.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import type { RtmpPeer } from '../../support/rtmp-peer.ts';

const SWF = digestSwf(Buffer.from('465753090c00000000010203', 'hex'));
const OTHER = digestSwf(Buffer.from('465753090c00000000010204', 'hex'));

interface Puppet {
  core: Core;
  /** What the libraries were asked, to be answered by the test if it has set `hold`. */
  lookups: (() => void)[];
}

async function verifying(policy: Partial<SwfPolicy> = {}, hold = false, journal?: Journal): Promise<Puppet> {
  const lookups: (() => void)[] = [];
  const library = (swfs: SwfDigest[]) => ({
    some: async (holds: (swf: SwfDigest) => boolean) => {
      if (hold) await new Promise<void>((resolve) => lookups.push(resolve));
      return swfs.some(holds);
    },
  });
  const swf: SwfPolicy = {
    libraries: [library([]), library([SWF])],
    minGoodVersion: 0,
    firstHashTimeoutMs: 5_000,
    finalHashTimeoutMs: 60_000,
    exceptions: [{ from: 'FMLE/0.0', to: 'FMLE/9.9' }],
    ...policy,
  };
  const clients = {
    ...{ wireChunkBytes: 60_000, idleTimeoutMs: undefined },
    ...{ serverToClientBytes: 2_500_000, clientToServerBytes: 2_500_000, swf },
  };
  const registry: CoreOptions['registry'] = {
    settingsFor: () => ({ clients }),
    ...(journal ? { journal } : {}),
  };
  return { core: await Core.start({ registry }), lookups };
}

function expectQuestion(peer: RtmpPeer) {
  return peer.expect(
    'a question about the SWF',
    ({ control }) =>
      control?.typeId === MessageType.UserControl && control.event === UserControlEvent.SwfVerifyRequest,
  );
}

function answer(peer: RtmpPeer, swf: SwfDigest, version = 1): void {
  const proof = encodeSwfProof({
    version,
    sizeBytes: swf.sizeBytes,
    signature: signSwf(swf.hash, peer.s1Tail),
  });
  peer.control({ typeId: MessageType.UserControl, event: UserControlEvent.SwfVerifyResponse, proof });
}

/** Comes back when the server has handled what was said before. */
async function heardAll(peer: RtmpPeer): Promise<void> {
  peer.control({ typeId: MessageType.UserControl, event: UserControlEvent.PingRequest, timestampMs: 7 });
  await peer.expect(
    'a pong',
    ({ control }) =>
      control?.typeId === MessageType.UserControl && control.event === UserControlEvent.PingResponse,
  );
}

test('a client is asked once it is accepted; what it wants waits until it has shown its SWF', async () => {
  const { core } = await verifying();
  await using _ = core;
  const peer = await core.peer();
  assert.equal((await peer.connect('live')).name, '_result');
  await expectQuestion(peer);
  peer.command('createStream', 2, []);
  await heardAll(peer);
  assert.ok(!peer.heard.some(({ command }) => command?.transactionId === 2));
  answer(peer, SWF);
  assert.deepEqual((await peer.expectAnswer(2)).args, [1]);
  peer.command('publish', 0, ['show', 'live'], 1);
  await peer.expectStatus('NetStream.Publish.Start');
  core.clock.advance(120_000);
  await peer.settle();
});

test('without an answer it is sent away', async () => {
  const { core } = await verifying();
  await using _ = core;
  const peer = await core.peer();
  await peer.connect('live');
  await expectQuestion(peer);
  core.clock.advance(5_000);
  assert.equal(
    (await peer.expectStatus('NetConnection.Connect.Rejected')).description,
    'SWF verification failed.',
  );
  await peer.closed();
  assert.deepEqual(
    core.trouble.map(({ event, reason }) => [event, reason]),
    [['swf-refused', 'no response within 5000 ms']],
  );
  assert.deepEqual(core.script().told('disconnect').length, 1);
});

test('after a wrong answer it is asked again, for it may be loading; what is not asked is not looked at', async () => {
  const { core } = await verifying();
  await using _ = core;
  const peer = await core.peer();
  await peer.connect('live');
  await expectQuestion(peer);
  answer(peer, OTHER);
  await heardAll(peer);
  answer(peer, SWF);
  await heardAll(peer);
  peer.command('createStream', 2, []);
  core.clock.advance(4_999);
  await heardAll(peer);
  assert.ok(!peer.heard.some(({ command }) => command?.transactionId === 2));
  core.clock.advance(1);
  await expectQuestion(peer);
  answer(peer, SWF);
  assert.deepEqual((await peer.expectAnswer(2)).args, [1]);
});

test('who never answers rightly is sent away in the end; a proof of another connection, or too old, is not right', async () => {
  const { core } = await verifying({ minGoodVersion: 1, finalHashTimeoutMs: 12_000 });
  await using _ = core;
  const peer = await core.peer();
  await peer.connect('live');
  await expectQuestion(peer);
  answer(peer, SWF, 0);
  await heardAll(peer);
  core.clock.advance(5_000);
  await expectQuestion(peer);
  peer.s1Tail = new Uint8Array(32);
  answer(peer, SWF);
  await heardAll(peer);
  core.clock.advance(5_000);
  await expectQuestion(peer);
  core.clock.advance(2_000);
  await peer.expectStatus('NetConnection.Connect.Rejected');
  await peer.closed();
  assert.equal(core.trouble[0]?.reason, 'no correct response within 12000 ms');
});

test('encoders that are exempt are not asked', async () => {
  const { core } = await verifying();
  await using _ = core;
  const peer = await core.peer();
  await peer.connect('live', { flashVer: 'FMLE/3.0 (compatible; FMSc/1.0)' });
  assert.equal(await peer.createStream(), 1);
});

test('one who leaves while its SWF is looked up is forgotten', async () => {
  const { core, lookups } = await verifying({}, true);
  await using _ = core;
  const peer = await core.peer();
  await peer.connect('live');
  await expectQuestion(peer);
  answer(peer, SWF);
  await until('a look-up', () => lookups.length > 0);
  peer.socket.destroy();
  await until('its end', () => core.sessionCount === 0);
  for (const resolve of lookups) resolve();
  core.clock.advance(60_000);
  assert.deepEqual(core.trouble, []);
});

test('that a client was asked, and how it ended, is in the access log', async () => {
  const lines: unknown[] = [];
  const clock = new ManualClock();
  const journal = new Journal({
    ...{ clock, adaptor: 'a', vhost: 'v', checkpoints: undefined },
    write: (event, values) => lines.push([event, values['x-status'], values['x-ctx']]),
  });
  const { core } = await verifying({}, false, journal);
  await using _ = core;
  const [right, silent] = [await core.peer(), await core.peer()];
  for (const peer of [right, silent]) {
    await peer.connect('live');
    await expectQuestion(peer);
  }
  answer(right, SWF);
  await heardAll(right);
  core.clock.advance(5_000);
  await silent.closed();
  assert.deepEqual(
    lines.filter((line) => String((line as string[])[0]).startsWith('swf')),
    [
      ['swf-verify', 100, 'live/_definst_'],
      ['swf-verify', 100, 'live/_definst_'],
      ['swf-verify-complete', 200, 'live/_definst_'],
      ['swf-verify-complete', 403, 'no response within 5000 ms'],
    ],
  );
});
