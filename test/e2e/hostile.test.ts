// Scripts that do their worst, each beside a live stream and a neighbour who must not notice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { video } from '../support/media.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer } from '../support/server.ts';

/** Bodies of an async onConnect. */
const EVIL: Record<string, string> = {
  'an endless loop in a handler': 'for (;;);',
  'an endless loop in a promise continuation': 'await null; for (;;);',
  'an endless chain of promises': 'const again = () => Promise.resolve().then(again); again();',
  'a rejected object whose message never ends': `
    const e = new Error('x');
    for (const name of ['message', 'stack', 'name']) Object.defineProperty(e, name, { get() { for (;;); } });
    Promise.reject(e);`,
  'a proxy as a rejection': `
    Promise.reject(new Proxy({}, { get() { for (;;); }, getPrototypeOf() { for (;;); }, ownKeys() { for (;;); } }));`,
  'allocation until the limit':
    'const all: unknown[] = []; for (;;) all.push({ n: all.length, text: "x" + all.length });',
  'an object with ever more keys, which kills the process':
    'const o: any = {}; for (let i = 0; ; i++) o["k" + i] = i;',
  'a fatal error of the engine': '"a".repeat(2e8).match(/a/g);',
  'the way out through every door that Node might have left open': `
    const escapes = [
      () => (globalThis as any).process.exit(1),
      () => (globalThis as any).require('node:fs'),
      () => Function('return process')().exit(1),
      () => (function () {}).constructor.constructor('return process')().exit(1),
      () => (trace as any).constructor('return process')().exit(1),
      () => (application.acceptConnection as any).constructor.constructor('return globalThis.process')().exit(1),
      () => (crypto.subtle.digest as any).constructor('return process')().exit(1),
      () => eval('require')('node:child_process'),
      () => (0, eval)('import.meta'),
    ];
    for (const escape of escapes) {
      let got: unknown;
      try { got = escape(); } catch { continue; }
      if (got !== undefined) trace('ESCAPED: ' + escape);
    }
    for (const name of ['node:fs', 'fs', './keys.json']) {
      try { await (0, eval)('import("' + name + '")'); trace('ESCAPED: import ' + name); } catch {}
    }
    return true;`,
};

test('evil scripts: the stream has no gap, the neighbour is answered', async (t) => {
  await using server = await startServer({
    applications: {
      'live/': '',
      'good/main.ts': 'application.onConnect = async (client, n) => n === 7;',
      ...Object.fromEntries(
        Object.entries(EVIL).map(([name, body]) => [
          `${folder(name)}/main.ts`,
          `application.onConnect = async (client) => { ${body} };`,
        ]),
      ),
    },
    conf: {
      // below the patience of the clients here
      '_defaultRoot_/_defaultVHost_/Application.xml':
        '<Application><JSEngine><GateTimeOut>5</GateTimeOut></JSEngine></Application>',
    },
  });
  await using publisher = await RtmpPeer.open(server.port);
  const id = await publisher.publish('live', 'show');
  await using player = await RtmpPeer.open(server.port);
  await player.play('live', 'show');
  let sent = 0;
  publisher.video(id, 0, video.header());
  const camera = setInterval(() => {
    const payload = new Uint8Array(9).fill(0);
    payload.set(sent % 50 === 0 ? video.keyframe() : video.frame());
    new DataView(payload.buffer).setUint32(5, sent);
    publisher.video(id, sent * 10, payload);
    sent += 1;
  }, 10);

  for (const name of Object.keys(EVIL)) {
    await t.test(name, async () => {
      await using evil = await RtmpPeer.open(server.port);
      const fate = evil.connect(folder(name), {}, true);
      const neighbours = Array.from({ length: 5 }, async () => {
        await using neighbour = await RtmpPeer.open(server.port);
        return (await neighbour.connect('good', {}, 7)).name;
      });
      assert.deepEqual(await Promise.all(neighbours), Array(5).fill('_result'));
      await fate; // refused, or accepted: answered
      await using after = await RtmpPeer.open(server.port);
      assert.equal((await after.connect('good', {}, 7)).name, '_result');
      const escaped = server.log.filter(({ msg }) => String(msg).includes('ESCAPED'));
      assert.deepEqual(escaped, []);
    });
  }
  clearInterval(camera);
  const last = await player.expect('the last frame', ({ media }) => frameNumber(media) === sent - 1);
  assert.ok(last);
  const frames = player.heard.map(({ media }) => frameNumber(media)).filter((n) => n !== undefined);
  assert.deepEqual(
    frames,
    Array.from({ length: sent }, (_, i) => i),
  );
});

/** Each has an application of its own. */
function folder(name: string): string {
  return name.replaceAll(/[^a-z]+/gi, '-');
}

function frameNumber(media: Uint8Array | undefined): number | undefined {
  return media?.length === 9 ? new DataView(media.buffer, media.byteOffset).getUint32(5) : undefined;
}
