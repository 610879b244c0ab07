// What a script sends to other servers, with a dialer that does what the test says.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type {
  Outgoing,
  OutgoingConnection,
  OutgoingEvents,
  OutgoingRequest,
  OutgoingStatus,
  PublishEvents,
  PullEvents,
} from '../../../src/application/contract/outgoing.ts';
import { type Holder, StreamTable } from '../../../src/application/publish/stream-table.ts';
import { ADOPTION_MS, Relays } from '../../../src/application/served/relays.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { STREAM_OPTIONS } from '../../support/core.ts';
import { FakePlayer, wireMessage } from '../../support/fake-player.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { video } from '../../support/media.ts';

const FAR = 'rtmp://user:secret@far/live?token=t';
const SUCCESS = { code: 'NetConnection.Connect.Success', level: 'status' };
const CLOSED = { code: 'NetConnection.Connect.Closed', level: 'status' };

class FakeConnection implements OutgoingConnection {
  readonly request: OutgoingRequest;
  readonly events: OutgoingEvents;
  readonly published: { name: string; events: PublishEvents; player: FakePlayer; isClosed: boolean }[] = [];
  readonly pulled: { name: string; events: PullEvents; isClosed: boolean }[] = [];
  traffic = { bytesIn: 0, bytesOut: 0 };
  isOpen = false;
  isClosed = false;

  constructor(request: OutgoingRequest, events: OutgoingEvents) {
    this.request = request;
    this.events = events;
  }

  /** The other server has accepted it. */
  accept(): void {
    this.isOpen = true;
    this.events.status(SUCCESS);
  }
  publish({ name }: { name: string }, events: PublishEvents): () => void {
    const one = { name, events, player: new FakePlayer(), isClosed: false };
    this.published.push(one);
    return () => {
      one.isClosed = true;
    };
  }
  play({ name }: { name: string }, events: PullEvents) {
    const one = { name, events, isClosed: false };
    this.pulled.push(one);
    return {
      setBufferMs() {},
      close() {
        one.isClosed = true;
      },
    };
  }
  close(): void {
    this.isOpen = false;
    this.isClosed = true;
  }
}

function setUp({ most = 3 } = {}) {
  const clock = new ManualClock();
  const streams = new StreamTable({ clock, ...STREAM_OPTIONS });
  const connections: FakeConnection[] = [];
  const told: string[] = [];
  const forgotten: unknown[] = [];
  const outgoing: Outgoing = {
    maxConnections: () => most,
    connect(request, _chunkBytes, events) {
      const connection = new FakeConnection(request, events);
      connections.push(connection);
      return connection;
    },
  };
  const relays = new Relays({
    ...{ application: 'live', clock, outgoing, chunkBytes: 60_000, streams },
    tell: (key, { code }: OutgoingStatus, isOver) => told.push(`${key} ${code}${isOver ? ', over' : ''}`),
    tellForgotten: (those) => forgotten.push(...those),
  });
  /** Open, as key 1. */
  const open = () => {
    relays.connect(1, FAR, []);
    connections.at(-1)!.accept();
    return connections.at(-1)!;
  };
  const publish = (key: number, source: string | undefined, name = 'copy') =>
    relays.publish(key, { connection: 1, name, type: 'live', source });
  const air = (name: string) => {
    const entry = streams.open(name);
    entry.holder = { kind: 'server', isOnAir: true, sinceMs: 0, item: undefined, close() {} } as Holder;
    return (ms: number, payload: Uint8Array) =>
      entry.stream.publish(wireMessage(MessageType.Video, ms, payload));
  };
  const start = (connection: FakeConnection, at = 0) => {
    const one = connection.published[at]!;
    one.events.started(one.player);
    return one.player;
  };
  return { clock, streams, connections, told, forgotten, relays, open, publish, air, start };
}

describe('a connection', () => {
  test('is made with what the script says, and it hears of the outcome', () => {
    const { relays, connections, told, open } = setUp();
    const connection = open();
    assert.deepEqual(connection.request, { application: 'live', uri: FAR, args: [] });
    assert.deepEqual(told, ['1 NetConnection.Connect.Success']);
    connection.events.ended(CLOSED);
    assert.deepEqual(told.slice(1), ['1 NetConnection.Connect.Closed, over']);
    assert.equal(relays.counts.connections, 0);
    assert.equal(connections.length, 1);
  });

  test('beyond the limit fails, and so does one where nothing goes out', () => {
    const { relays, connections, told } = setUp({ most: 2 });
    for (const key of [1, 2, 3]) relays.connect(key, FAR, [key]);
    assert.equal(connections.length, 2);
    assert.deepEqual(told, ['3 NetConnection.Connect.Failed, over']);
    const none = setUp({ most: 0 });
    none.relays.connect(1, FAR, []);
    assert.deepEqual(none.told, ['1 NetConnection.Connect.Failed, over']);
  });

  test('is not tried more than a hundred times at once and ten times a second', () => {
    const { relays, connections, clock } = setUp();
    const tries = (count: number) => {
      for (let i = 0; i < count; i += 1) {
        relays.connect(1, FAR, []);
        relays.close(1);
      }
    };
    tries(150);
    assert.equal(connections.length, 100);
    clock.advance(1_000);
    tries(150);
    assert.equal(connections.length, 110);
  });

  test('that the script closes is closed once, with its streams', () => {
    const { relays, told, open, publish } = setUp();
    const connection = open();
    publish(2, undefined);
    relays.close(1);
    relays.close(1);
    assert.ok(connection.isClosed);
    assert.ok(connection.published[0]!.isClosed);
    assert.deepEqual(told.slice(1), ['1 NetConnection.Connect.Closed, over']);
    assert.deepEqual(relays.counts, { connections: 0, streams: 0 });
  });

  test('counts in the traffic when it is no more', () => {
    const { relays, open } = setUp();
    const connection = open();
    connection.traffic = { bytesIn: 10, bytesOut: 20 };
    relays.close(1);
    assert.deepEqual(relays.traffic, { bytesIn: 10, bytesOut: 20 });
  });
});

describe('a stream that goes out', () => {
  test('has media when the other server takes it, and makes its source a name that is played', () => {
    const { relays, streams, open, publish, air, start } = setUp();
    const picture = air('show');
    const connection = open();
    publish(2, 'show');
    picture(0, video.keyframe(1));
    assert.equal(streams.get('show')!.stream.viewers.size, 0);
    const player = start(connection);
    picture(40, video.frame(2));
    assert.deepEqual(
      player.messages().map(({ payload }) => payload.at(-1)),
      [1, 2],
    );
    assert.equal(relays.counts.streams, 1);
    assert.deepEqual(
      relays.restreams.map(({ stream, address, state }) => ({ stream, address, state })),
      [{ stream: 'show', address: 'rtmp://far/live', state: 'sending' }],
    );
  });

  test('goes on in time with another source, and is starved by none', () => {
    const { relays, streams, open, publish, air, start } = setUp();
    const [one, two] = [air('one'), air('two')];
    const connection = open();
    publish(2, 'one');
    const player = start(connection);
    one(9_000, video.keyframe(1));
    one(9_040, video.frame(2));
    relays.attach(2, 'two');
    two(500, video.keyframe(3));
    one(9_080, video.frame(4));
    relays.attach(2, undefined);
    two(540, video.frame(5));
    const heard = player.messages().map(({ timestampMs, payload }) => [timestampMs, payload.at(-1)]);
    assert.deepEqual(heard, [
      [0, 1],
      [40, 2],
      [41, 3],
    ]);
    assert.equal(streams.get('one')!.stream.viewers.size + streams.get('two')!.stream.viewers.size, 0);
  });

  test('needs a connection, and one has no more than sixteen', () => {
    const { told, open, publish } = setUp();
    publish(2, 'show');
    assert.deepEqual(told, ['2 NetStream.Failed, over']);
    const connection = open();
    for (let key = 10; key < 27; key += 1) publish(key, undefined, `copy${key}`);
    assert.equal(connection.published.length, 16);
    assert.equal(told.at(-1), '26 NetStream.Failed, over');
  });

  test('ends with unpublish and with its connection', () => {
    const { relays, streams, told, open, publish, air, start } = setUp();
    air('show');
    const connection = open();
    publish(2, 'show');
    start(connection);
    relays.unpublish(2);
    assert.ok(connection.published[0]!.isClosed);
    assert.equal(told.at(-1), '2 NetStream.Unpublish.Success, over');
    assert.equal(streams.get('show')!.stream.viewers.size, 0);
    publish(3, 'show');
    start(connection, 1);
    connection.events.ended(CLOSED);
    assert.equal(streams.get('show')!.stream.viewers.size, 0);
    assert.equal(relays.counts.streams, 0);
  });

  test('that was refused is in the list of failures without its name over there, until it works', () => {
    const { relays, open, publish, start, clock } = setUp();
    const connection = open();
    publish(2, 'show', 'key-123');
    const [one] = connection.published;
    one!.events.status({
      code: 'NetStream.Publish.BadName',
      level: 'error',
      description: 'key-123 is taken',
    });
    const failures = () => relays.restreams.filter(({ state }) => state === 'failed');
    assert.equal(failures()[0]!.reason, '*** is taken');
    assert.equal(failures()[0]!.stream, 'show');
    start(connection);
    assert.deepEqual(failures(), []);
    connection.events.ended({ code: 'NetConnection.Connect.Closed', level: 'status', description: 'gone' });
    assert.equal(failures()[0]!.reason, 'gone');
    clock.advance(10 * 60_000 + 1);
    assert.deepEqual(failures(), []);
  });
});

describe('a new version of the script', () => {
  test('takes over what makes the same connection and publishes the same, and nobody sees it', () => {
    const { relays, connections, told, open, publish, air, start, clock } = setUp();
    const picture = air('show');
    const connection = open();
    publish(2, 'show');
    const player = start(connection);
    relays.disown(1, 100);
    relays.connect(101, FAR, []);
    relays.publish(102, { connection: 101, name: 'copy', type: 'live', source: 'show' });
    assert.equal(connections.length, 1);
    assert.equal(connection.published.length, 1);
    assert.deepEqual(told.slice(1), ['101 NetConnection.Connect.Success', '102 NetStream.Publish.Start']);
    clock.advance(ADOPTION_MS);
    picture(0, video.keyframe(1));
    assert.equal(player.sent, 1);
    connection.events.ended(CLOSED);
    assert.equal(told.at(-1), '101 NetConnection.Connect.Closed, over');
  });

  test('does not take over a connection with other arguments', () => {
    const { relays, connections, open } = setUp();
    open();
    relays.disown(1, 100);
    relays.connect(101, FAR, ['other']);
    assert.equal(connections.length, 2);
  });

  test('that takes over the connection and not the stream ends the stream', () => {
    const { relays, open, publish, air, start, clock } = setUp();
    air('show');
    const connection = open();
    publish(2, 'show');
    start(connection);
    relays.disown(1, 100);
    relays.connect(101, FAR, []);
    clock.advance(ADOPTION_MS - 1);
    assert.ok(!connection.published[0]!.isClosed);
    clock.advance(1);
    assert.ok(connection.published[0]!.isClosed);
    assert.ok(!connection.isClosed);
  });

  test('that takes over nothing lets it go on until the source is off the air', () => {
    const { relays, forgotten, open, publish, air, start, clock } = setUp();
    air('show');
    const connection = open();
    publish(2, 'show');
    start(connection);
    relays.disown(1, 100);
    clock.advance(ADOPTION_MS);
    assert.deepEqual(forgotten, [{ address: 'rtmp://far/live', connections: 1, streams: ['show'] }]);
    assert.deepEqual(relays.forgotten, forgotten);
    assert.ok(!connection.isClosed);
    relays.sourceEnded('show');
    assert.ok(connection.isClosed);
    assert.deepEqual(relays.forgotten, []);
  });

  test('finds room: what was forgotten and carries nothing is closed for its connections', () => {
    const { relays, connections, open, clock } = setUp({ most: 1 });
    const old = open();
    relays.disown(1, 100);
    clock.advance(ADOPTION_MS);
    relays.connect(101, 'rtmp://other/live', []);
    assert.ok(old.isClosed);
    assert.equal(connections.length, 2);
  });
});

test('the end of the instance closes all of it and leaves no timer', () => {
  const { relays, connections, open, publish, clock } = setUp();
  open();
  publish(2, 'show');
  relays.connect(3, 'rtmp://other/live', []);
  relays.disown(1, 100);
  relays.closeAll();
  assert.ok(connections.every(({ isClosed }) => isClosed));
  assert.equal(clock.pending, 0);
  assert.deepEqual(relays.counts, { connections: 0, streams: 0 });
});

test('a stream of another server is asked for by an open connection, or fails', async () => {
  const { relays, open } = setUp();
  const item = (connection: number) => relays.item(connection, { name: 'far', start: -2, length: 2 });
  await assert.rejects(item(1).open(), { code: 'NetStream.Play.Failed' });
  const connection = open();
  assert.equal(item(1).lengthMs, 2_000);
  const source = item(1).open();
  connection.pulled[0]!.events.started();
  (await source)!.close();
  assert.ok(connection.pulled[0]!.isClosed);
  const missing = item(1).open();
  connection.pulled[1]!.events.failed('NetStream.Play.StreamNotFound', 'none');
  assert.equal(await missing, undefined);
});
