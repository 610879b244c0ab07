// How a publish request becomes a live stream and ends again, with a script, a disk and a directory that do what the test says.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Publication, PublicationState } from '../../../src/application/publish/publication.ts';
import type { Holder } from '../../../src/application/publish/stream-table.ts';
import { AccessStatus } from '../../../src/log/access-status.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { fakeClient } from '../../support/fake-client.ts';
import { FakePlayer, wireMessage } from '../../support/fake-player.ts';
import { video } from '../../support/media.ts';
import {
  type DeskOptions,
  PUBLISH_TIMEOUT_MS,
  publishDesk,
  TAKE_OVER_INTERVAL_MS,
} from '../../support/publish-desk.ts';
import { SlowDirectory } from '../../support/slow-directory.ts';

const TAKEN = 'refused NetStream.Publish.BadName';

/** The commands behind a verdict have run. */
const turn = () => new Promise<void>((resolve) => queueMicrotask(resolve));

describe('a publisher', () => {
  test('without a script is live at once, and its media flows when its players have been told', async () => {
    const { publish, streams, holder } = publishDesk();
    const player = new FakePlayer();
    streams.open('show').stream.addPlayer(player);
    const { port, publication } = publish('show');
    assert.deepEqual(port.told, ['started show']);
    assert.deepEqual(player.told, []);
    await turn();
    assert.deepEqual(port.told, ['started show', 'flow']);
    assert.deepEqual(player.told, ['publish']);
    assert.equal(holder('show'), publication);
  });

  test('goes live in this order: the gate, the name, the recording, what the script did meanwhile, its notices', async () => {
    const { publish, publishing, recordings, answer, script, recorders } = publishDesk({ scripted: true });
    const { port, publication } = publish('key');
    assert.deepEqual(port.told, []);
    publishing.command('show', publication.gate!.id, (entry) => recordings.change(entry, 'record', {}));
    assert.equal(recorders.opened.length, 0);
    answer({ accepted: true, as: 'show' });
    assert.deepEqual(port.told, ['started show', 'record Start']);
    assert.deepEqual(
      script.notices.map(({ event }) => event),
      ['publish', 'status'],
    );
    await turn();
    assert.equal(port.told.at(-1), 'flow');
    assert.ok(publishing.isKey('key'));
    assert.ok(!publishing.isKey('show'));
  });

  test('without write access is refused before anybody is asked', () => {
    const { publish, script } = publishDesk({ scripted: true });
    const { port } = publish('show', fakeClient('a', { writeAccess: 'other' }));
    assert.deepEqual(port.told, ['refused NetStream.Publish.Denied undefined']);
    assert.equal(script.asked.length, 0);
  });

  test('that the script refuses is not live, and the name that it gave is not repeated', () => {
    const { publish, publishing, answer, holder, script } = publishDesk({ scripted: true });
    const { port, publication } = publish('secret');
    publishing.command('secret', publication.gate!.id, () => assert.fail('it was refused'));
    answer({ accepted: false, reason: 'no' });
    assert.deepEqual(port.told, ['refused NetStream.Publish.Denied undefined']);
    assert.equal(holder('secret'), undefined);
    assert.deepEqual(script.notices, []);
  });

  test('that leaves while the script is asked is forgotten, and a late answer changes nothing', () => {
    const { publish, publishing, answer, script, holder } = publishDesk({ scripted: true });
    const { by, port } = publish('show');
    publishing.endAll(by);
    assert.ok(script.asked[0]!.isDropped);
    answer({ accepted: true });
    assert.deepEqual(port.told, []);
    assert.equal(holder('show'), undefined);
  });

  test('that stops takes its recording and its name with it; players stay and are told', () => {
    const { publish, publishing, streams, offAir, recorders, script, answer } = publishDesk({
      scripted: true,
    });
    const player = new FakePlayer();
    const viewer = streams.open('show').stream.addPlayer(player);
    const { port, publication } = publish('show', undefined, 'record');
    answer({ accepted: true });
    publishing.end(publication, AccessStatus.Ok);
    publishing.end(publication, AccessStatus.Ok);
    assert.ok(recorders.opened[0]!.isClosed);
    assert.deepEqual(port.told, ['started show', 'record Start', 'record Stop']);
    assert.equal(player.told.filter((one) => one === 'unpublish').length, 1);
    assert.deepEqual(offAir, ['show']);
    assert.equal(script.told('unpublish').length, 1);
    assert.equal(streams.waitingCount, 1);
    streams.get('show')!.stream.removePlayer(viewer);
    streams.release('show');
    assert.equal(streams.get('show'), undefined);
  });

  test('of a live stream deletes an earlier recording only where that is wanted', () => {
    const without = publishDesk();
    without.publish('show');
    assert.deepEqual(without.recorders.cleared, []);
    const erasing = publishDesk({ live: { eraseOnPublish: true } });
    erasing.publish('show');
    erasing.publish('tape', fakeClient('b'), 'record');
    assert.deepEqual(erasing.recorders.cleared, ['show']);
  });
});

describe('a name that a client of this node has', () => {
  test('is refused to the same client at once, to another one when its holder shows that it is alive', () => {
    const { publish, holder } = publishDesk();
    const first = publish('show');
    assert.deepEqual(publish('show', first.by).port.told, [`${TAKEN} show`]);
    const second = publish('show', fakeClient('b'));
    assert.deepEqual(second.port.told, []);
    const [probe] = first.by.port.probes;
    assert.equal(probe!.waitMs, PUBLISH_TIMEOUT_MS);
    probe!.answer(true);
    assert.deepEqual(second.port.told, [`${TAKEN} show`]);
    assert.equal(holder('show'), first.publication);
  });

  test('changes hands when its holder gives no sign of life', () => {
    const { publish, holder } = publishDesk();
    const first = publish('show');
    const second = publish('show', fakeClient('b'));
    first.by.port.probes[0]!.answer(false);
    assert.equal(holder('show'), second.publication);
    assert.deepEqual(second.port.told, ['started show']);
    assert.match(
      first.port.told.at(-1)!,
      /^ended it gave no sign of life for 2000 ms, and its stream name was taken over/,
    );
  });

  test('stays with a holder that is never asked where there is no timeout', () => {
    const { publish } = publishDesk({ live: { publishTimeoutMs: undefined } });
    const first = publish('show');
    assert.deepEqual(publish('show', fakeClient('b')).port.told, [`${TAKEN} show`]);
    assert.equal(first.by.port.probes.length, 0);
  });

  test('goes to who asked when the holder leaves before it has answered', () => {
    const { publish, publishing, holder } = publishDesk();
    const first = publish('show');
    const second = publish('show', fakeClient('b'));
    publishing.end(first.publication, AccessStatus.Ok);
    first.by.port.probes[0]!.answer(false);
    assert.equal(holder('show'), second.publication);
  });

  test('is left alone when who asked leaves before the holder has answered', () => {
    const { publish, publishing, holder } = publishDesk();
    const first = publish('show');
    const second = publish('show', fakeClient('b'));
    publishing.endAll(second.by);
    assert.ok(first.by.port.probes[0]!.isCancelled);
    assert.equal(holder('show'), first.publication);
    assert.deepEqual(second.port.told, []);
  });

  test('is taken over at the script’s word, and not again before its interval is over', () => {
    const { publish, answer, holder, clock } = publishDesk({ scripted: true });
    const takeOver = () => answer({ accepted: true, takeOver: true });
    const first = publish('show');
    answer({ accepted: true });
    const second = publish('show', fakeClient('b'));
    takeOver();
    assert.equal(holder('show'), second.publication);
    assert.match(first.port.told.at(-1)!, /^ended the application let another publisher have its name/);
    const third = publish('show', fakeClient('c'));
    takeOver();
    assert.deepEqual(third.port.told, [`limited show ${TAKE_OVER_INTERVAL_MS}`]);
    assert.equal(holder('show'), second.publication);
    second.by.port.probes[0]!.answer(true);
    clock.advance(TAKE_OVER_INTERVAL_MS);
    const fourth = publish('show', fakeClient('d'));
    takeOver();
    assert.equal(holder('show'), fourth.publication);
  });

  test('is known to the script with its holder and how long it has been silent', () => {
    const { publish, answer, script, clock } = publishDesk({ scripted: true });
    const first = publish('key');
    answer({ accepted: true, as: 'show' });
    clock.advance(500);
    first.by.port.lastSeenMs = 400;
    const current = { client: 'a', sinceMs: 500, lastByteMs: 100 };
    for (const name of ['show', 'key']) {
      publish(name, fakeClient('b'));
      assert.deepEqual((script.asked.at(-1)!.question as { current?: unknown }).current, current);
    }
  });
});

describe('a name that something else has', () => {
  const held = (kind: 'server' | 'node', close: () => void) => ({
    ...{ kind, isOnAir: true, sinceMs: 0, item: undefined, close },
  });

  test('stays with a server-side stream unless the script says otherwise', () => {
    const { publish, streams, answer, holder } = publishDesk({ scripted: true });
    const entry = streams.open('show');
    let closed = 0;
    const server = held('server', () => {
      closed += 1;
      entry.holder = undefined;
    });
    entry.holder = server as Holder;
    const first = publish('show');
    answer({ accepted: true });
    assert.deepEqual(first.port.told, [`${TAKEN} show`]);
    assert.equal(closed, 0);
    const second = publish('show', fakeClient('b'));
    answer({ accepted: true, takeOver: true });
    assert.equal(closed, 1);
    assert.equal(holder('show'), second.publication);
  });

  test('is taken from another node when the directory grants it', () => {
    const directory = new SlowDirectory();
    const { publish, streams, holder } = publishDesk({ directory });
    const entry = streams.open('show');
    let closed = 0;
    const node = held('node', () => {
      closed += 1;
      entry.holder = undefined;
    });
    entry.holder = node as Holder;
    assert.ok(streams.isOnAir('show'));
    const { publication } = publish('show');
    assert.equal(closed, 0, 'players see it until the directory has answered');
    directory.asked[0]!.answer(true);
    assert.equal(closed, 1);
    assert.equal(holder('show'), publication);
  });
});

describe('with a directory that takes its time', () => {
  const slow = (options: DeskOptions = {}) => {
    const directory = new SlowDirectory();
    return { directory, ...publishDesk({ directory, ...options }) };
  };

  test('a publisher waits for its answer, and goes live in the same order as ever', async () => {
    const { directory, publish, publishing, recordings, answer, script } = slow({ scripted: true });
    const { port, publication } = publish('key');
    answer({ accepted: true, as: 'show' });
    publishing.command('show', publication.gate!.id, (entry) => recordings.change(entry, 'record', {}));
    assert.deepEqual(directory.asked[0]!.claim, {
      ...{ application: 'live', instance: '_definst_', stream: 'show', takesOver: false },
    });
    assert.equal(publication.state, PublicationState.Checking);
    assert.deepEqual(port.told, []);
    assert.deepEqual(script.notices, []);
    directory.asked[0]!.answer(true);
    assert.deepEqual(port.told, ['started show', 'record Start']);
    await turn();
    assert.equal(port.told.at(-1), 'flow');
    assert.equal(script.told('publish').length, 1);
  });

  test('its refusal is BadName for the publisher and publishFailed for the script', () => {
    const { directory, publish, answer, script, holder } = slow({ scripted: true });
    const { port } = publish('show');
    answer({ accepted: true });
    directory.asked[0]!.answer(false);
    assert.deepEqual(port.told, [`${TAKEN} show`]);
    assert.deepEqual(script.notices, [{ event: 'publishFailed', gate: 1 }]);
    assert.equal(holder('show'), undefined);
    assert.deepEqual(directory.released, [], 'what was not granted is not given back');
  });

  test('a publisher that leaves meanwhile withdraws its claim', () => {
    const { directory, publish, publishing, answer, script, holder } = slow({ scripted: true });
    const { by, port } = publish('show');
    answer({ accepted: true });
    publishing.endAll(by);
    assert.ok(directory.asked[0]!.isWithdrawn);
    assert.deepEqual(script.notices, [{ event: 'publishFailed', gate: 1 }]);
    assert.deepEqual(port.told, []);
    assert.equal(holder('show'), undefined);
    assert.deepEqual(directory.released, []);
  });

  test('two that want one name are asked about one after the other, and the first to be granted has it', () => {
    const { directory, publish, holder } = slow();
    const first = publish('show');
    const second = publish('show', fakeClient('b'));
    assert.equal(directory.asked.length, 1);
    directory.asked[0]!.answer(true);
    assert.equal(holder('show'), first.publication);
    assert.deepEqual(second.port.told, []);
    assert.equal(directory.asked.length, 1, 'this node has the name: they settle it here');
    first.by.port.probes[0]!.answer(true);
    assert.deepEqual(second.port.told, [`${TAKEN} show`]);
    assert.deepEqual(directory.released, [], 'the first one goes on');
  });

  test('of two the second is asked about when the first is refused or leaves', () => {
    for (const end of ['refused', 'left'] as const) {
      const { directory, publish, publishing, holder } = slow();
      const first = publish('show');
      const second = publish('show', fakeClient('b'));
      if (end === 'refused') directory.asked[0]!.answer(false);
      else publishing.endAll(first.by);
      assert.equal(directory.asked.length, 2, end);
      directory.asked[1]!.answer(true);
      assert.equal(holder('show'), second.publication, end);
    }
  });

  test('a name that changes hands on this node stays this node’s until the last one stops', () => {
    const { directory, publish, publishing } = slow();
    const first = publish('show');
    directory.asked[0]!.answer(true);
    const second = publish('show', fakeClient('b'));
    first.by.port.probes[0]!.answer(false);
    assert.deepEqual(second.port.told, ['started show']);
    assert.equal(directory.asked.length, 1);
    assert.deepEqual(directory.released, []);
    publishing.end(second.publication, AccessStatus.Ok);
    assert.deepEqual(directory.released, ['show']);
  });

  test('a script’s word that a name may be taken over reaches the directory', () => {
    const { directory, publish, answer } = slow({ scripted: true });
    publish('show');
    answer({ accepted: true, takeOver: true });
    assert.equal(directory.asked[0]!.claim.takesOver, true);
  });

  test('a publisher whose name another node takes over is ended, and nothing is given back', () => {
    const { directory, publish, holder, offAir, names } = slow();
    const { port } = publish('show');
    directory.asked[0]!.answer(true);
    directory.move('elsewhere', 'node-2');
    assert.deepEqual(port.told, ['started show']);
    directory.move('show', 'node-2');
    assert.equal(port.told.at(-1), 'ended its stream name was taken over by a publisher on another node');
    assert.equal(holder('show'), undefined);
    assert.deepEqual(offAir, ['show']);
    assert.deepEqual(directory.released, []);
    names.close();
    assert.equal(directory.listenerCount, 0);
  });

  test('media is not published before the answer', () => {
    const { directory, publish, streams } = slow();
    const player = new FakePlayer();
    streams.open('show').stream.addPlayer(player);
    const { publication }: { publication: Publication } = publish('show');
    assert.equal(publication.stream, undefined);
    directory.asked[0]!.answer(true);
    publication.stream!.publish(wireMessage(MessageType.Video, 0, video.keyframe(1)));
    assert.equal(player.sent, 1);
  });
});
