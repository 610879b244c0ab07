// Which instance a client means, when one is started for it, and when there is no room.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Registry, type RegistryOptions } from '../../../src/application/instance/registry.ts';
import { Turns } from '../../../src/application/pace/turns.ts';
import { AccessStatus } from '../../../src/log/access-status.ts';
import { atMost, PuppetRecorders, PuppetScripts, STREAM_OPTIONS, TURN_CLOCK } from '../../support/core.ts';
import { CLIENT_FACTS, FakeClientPort } from '../../support/fake-client.ts';
import { settled } from '../../support/fake-file.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { testSettings } from '../../support/settings.ts';

const IDLE_MS = 60_000;
const REJECTED = { code: 'NetConnection.Connect.Rejected' };
const WHO = { ip: '192.0.2.1', user: '' };

function setUp(options: Partial<RegistryOptions> = {}, { scripted = false } = {}) {
  const clock = new ManualClock();
  const scripts = new PuppetScripts(scripted);
  const registry = new Registry({
    ...{ clock, scripts, recorders: new PuppetRecorders(), turns: new Turns(TURN_CLOCK) },
    hasApplication: (name) => name === 'live' || name === 'other',
    media: { clock, governor: STREAM_OPTIONS.governor },
    ...testSettings({ maxAppIdleTimeMs: IDLE_MS }),
    onBug: (error) => assert.fail(String(error)),
    ...options,
  });
  let count = 0;
  /** Comes in. */
  const enter = (app: string, ip = WHO.ip) => {
    count += 1;
    const port = new FakeClientPort();
    const instance = registry.connect(app, { ip, user: '' });
    const client = instance.connect({ ...CLIENT_FACTS, ip, id: `client${count}` }, [], port);
    return { instance, client, port, leave: () => instance.disconnected(client, 'gone', AccessStatus.Ok) };
  };
  const running = () => [...registry.instances].map(({ fullName }) => fullName);
  return { clock, scripts, registry, enter, running };
}

describe('a name that a client gives', () => {
  test('means the default instance or one of its own, and slashes at either end do not count', () => {
    const { registry, running } = setUp();
    const live = registry.connect('live', WHO);
    assert.equal(live.fullName, 'live/_definst_');
    for (const app of ['live/', '/live', 'live/_definst_', '//live//']) {
      assert.equal(registry.connect(app, WHO), live, app);
      assert.equal(registry.find(app), live, app);
    }
    assert.equal(registry.connect('live/room/1', WHO).fullName, 'live/room/1');
    assert.deepEqual(running(), ['live/_definst_', 'live/room/1']);
  });

  test('of no application, or that cannot be one, starts nothing and is counted', () => {
    const { registry, running } = setUp();
    assert.throws(() => registry.connect('nothing', WHO), { code: 'NetConnection.Connect.InvalidApp' });
    for (const app of ['', '/', '../live', 'live/..', 'live/a\u0000b'])
      assert.throws(() => registry.connect(app, WHO), REJECTED, app);
    assert.throws(() => registry.connect('a\u001b[31m', WHO), { message: /^[ -~]*$/ });
    assert.equal(registry.placeOf('live/..'), undefined);
    assert.deepEqual(registry.placeOf('live/room'), { application: 'live', instance: 'room' });
    assert.deepEqual(running(), []);
    assert.equal(registry.unplacedConnects, 7);
  });

  test('of an application with a mistake in its settings is refused until that is mended', () => {
    let isClosed = true;
    const { registry } = setUp({ isClosed: () => isClosed });
    assert.throws(() => registry.connect('live', WHO), REJECTED);
    isClosed = false;
    assert.equal(registry.connect('live', WHO).name, '_definst_');
  });

  test('is waited for while its settings are read, and not when it runs', () => {
    const reading = Promise.resolve();
    const { registry } = setUp({ reading: () => reading });
    assert.equal(registry.waitFor('live'), reading);
    assert.equal(registry.waitFor('nothing'), undefined);
    registry.connect('live', WHO);
    assert.equal(registry.waitFor('live'), undefined);
  });
});

describe('an instance', () => {
  test('ends when nobody has used it for its time, and its history stays', async () => {
    const { clock, registry, enter, running } = setUp();
    const { leave } = enter('live');
    clock.advance(IDLE_MS * 2);
    assert.deepEqual(running(), ['live/_definst_']);
    leave();
    clock.advance(IDLE_MS - 1);
    await settled();
    assert.deepEqual(running(), ['live/_definst_']);
    clock.advance(1);
    await settled();
    assert.deepEqual(running(), []);
    const history = registry.histories.get('live')!;
    assert.deepEqual(
      [history.instancesLoaded, history.instancesUnloaded, history.sinceMs, history.tally.connects],
      [1, 1, undefined, 1],
    );
  });

  test('has the settings of its application, and hears when they change', () => {
    let maxAppIdleTimeMs = 1_000;
    const { clock, registry, enter, running } = setUp({
      settingsFor: (application) => (application === 'live' ? { maxAppIdleTimeMs } : {}),
    });
    const live = enter('live');
    enter('other').leave();
    live.leave();
    maxAppIdleTimeMs = 5_000;
    registry.configure('live');
    clock.advance(4_999);
    assert.deepEqual(running(), ['live/_definst_', 'other/_definst_']);
  });
});

describe('limits', () => {
  test('on clients of the virtual host count those of all instances', () => {
    const { enter } = setUp({ maxClients: 2 });
    const { leave } = enter('live');
    enter('other');
    assert.throws(() => enter('live'), REJECTED);
    leave();
    enter('live');
  });

  test('on instances let clients into those that run, and refuse another one while none is idle', () => {
    const { enter, running } = setUp({ instances: atMost(2) });
    enter('live/1');
    enter('live/2');
    assert.throws(() => enter('live/3'), /Resource limit violation/);
    enter('live/1');
    assert.deepEqual(running(), ['live/1', 'live/2']);
  });

  test('on instances are met by ending the one that has been idle for longest', async () => {
    const { clock, enter, running } = setUp({ instances: atMost(2) });
    const [first, second] = [enter('live/1'), enter('live/2')];
    second.leave();
    clock.advance(1_000);
    first.leave();
    enter('live/3');
    await settled();
    assert.deepEqual(running(), ['live/1', 'live/3']);
  });

  test('on instances hold although an idle script does not want to go', async () => {
    const { enter, scripts, running } = setUp({ instances: atMost(1) }, { scripted: true });
    const { leave } = enter('live/1');
    await settled();
    leave();
    scripts.opened[0]!.maySleep = false;
    enter('live/2');
    await settled();
    assert.deepEqual(running(), ['live/1', 'live/2'], 'it said no when the newcomer was in');
    assert.throws(() => enter('live/3'), REJECTED);
  });

  test('on the memory of scripts refuse a new instance, and let one take the place of an idle one', async () => {
    const { enter, scripts } = setUp({}, { scripted: true });
    const { leave } = enter('live/1');
    await settled();
    scripts.full.add('live');
    assert.throws(() => enter('live/2'), /take too much memory/);
    enter('other');
    leave();
    assert.equal(enter('live/2').instance.fullName, 'live/2');
  });

  test('on how fast one address starts instances do not touch those that run', () => {
    const instances = { ...atMost(100)!, ratePerAddress: 1 };
    const { enter, clock } = setUp({ instances });
    let started = 0;
    assert.throws(() => {
      for (; started < 100; started += 1) enter(`live/${started}`);
    }, /New application instances too fast/);
    assert.ok(started >= 1);
    enter('live/0');
    enter('live/elsewhere', '198.51.100.7');
    clock.advance(60_000);
    enter('live/later');
  });
});

describe('the whole virtual host', () => {
  test('that is stopped lets nobody in until it goes on', async () => {
    const { registry, enter, running } = setUp();
    const { port } = enter('live');
    await registry.suspend();
    assert.ok(registry.isSuspended);
    assert.ok(port.told.includes('status NetConnection.Connect.AppShutdown'));
    assert.deepEqual(running(), []);
    assert.throws(() => enter('live'), REJECTED);
    registry.resume();
    enter('live');
  });

  test('unloads at an operator’s word what nobody uses', async () => {
    const { registry, enter, running } = setUp();
    enter('live/1');
    enter('live/2').leave();
    assert.equal(await registry.collect(), 1);
    assert.deepEqual(running(), ['live/1']);
  });

  test('makes a client of an instance that says goodbye wait, and then starts the next one', async () => {
    const { registry, enter, scripts } = setUp({}, { scripted: true });
    const { instance } = enter('live');
    await settled();
    const { promise, resolve } = Promise.withResolvers<void>();
    scripts.opened[0]!.settle = () => promise;
    const stopped = instance.stop();
    const leaving = registry.waitFor('live');
    assert.ok(leaving);
    resolve();
    await Promise.all([stopped, leaving]);
    assert.notEqual(registry.connect('live', WHO), instance);
  });
});
