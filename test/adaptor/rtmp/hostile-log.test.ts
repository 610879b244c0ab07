// What peers send ends up in logs. Whatever it is, a line stays a line, a column a column, and both have an end.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import type { Core } from '../../support/core.ts';
import { Logged } from '../../support/logged.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import { TunnelClient } from '../../support/tunnel-client.ts';

const HOSTILE: readonly [what: string, value: string][] = [
  ['ends of lines', 'a\r\n#Fields: x\r\nconnect\tsession\n2026-01-01\r'],
  ['what separates lines in other alphabets', 'a\u0085b\u2028c\u2029d\u000be\u000cf'],
  ['quotes and tags', `a"b'c\`d\\e</result><x y="&amp;">{}%0d%0a$(id)`],
  ['NUL and what terminals obey', 'a\0b\u001b[2J\u001b]0;x\u0007\u009b31m\u007f\b\b'],
  ['what turns the direction of writing', '\u202egnp.exe\u2066x\u2069\u200f\u061c'],
  ['what cannot be seen', '\u200b\ufeff\u00ad\u2060\u{e0001}'],
  ['100 kB', `start${'x'.repeat(100_000)}`],
  ['100 kB of what has to be escaped', '\u202e'.repeat(33_000)],
  ['what a log has for nothing', '-'],
  ['the beginning of a directive', '#Fields: x-event'],
];

/** Of any text that a log was given: nothing that a terminal, an editor or an analyser would obey. */
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
/** Cells of 4096 characters; a peer fills a dozen of them. */
const MAX_LINE = 60_000;
const MAX_RECORD = 20_000;

async function assertHarmless(logged: Logged): Promise<void> {
  const lines = (await logged.text()).split('\r\n');
  await logged.lines(); // each has its columns
  for (const line of lines) {
    assert.doesNotMatch(line.replaceAll('\t', ''), OBEYED);
    assert.ok(line.length <= MAX_LINE, `${line.length} characters: ${line.slice(0, 100)}`);
  }
  assert.equal(lines.filter((line) => line.startsWith('#Fields')).length, 1);
  for (const record of logged.core.log) {
    const text = JSON.stringify(record); // as it was written
    assert.ok(text.length <= MAX_RECORD, `${text.length} characters: ${text.slice(0, 200)}`);
  }
}

async function visit(core: Core, what: (peer: RtmpPeer) => Promise<void>): Promise<void> {
  const peer = await core.peer();
  await what(peer);
  peer.socket.end();
  await peer.closed();
}

for (const [what, value] of HOSTILE) {
  describe(`${what}`, () => {
    test('in every text of a connect', async () => {
      await using logged = await Logged.start({ session: { maxEarlyBytes: 1 << 20 } });
      const { core } = logged;
      await visit(core, async (peer) => {
        const facts = { tcUrl: `rtmp://h/live?q=${value}&token=${value}`, swfUrl: value, pageUrl: value };
        const answer = await peer.connect('live', { ...facts, flashVer: value }, value);
        assert.equal(answer.name, '_result');
      });
      for (const app of [value, `live/${value}`, `live?${value}`]) {
        await visit(core, async (peer) => void (await peer.connect(app, { tcUrl: value })));
      }
      await logged.left();
      await assertHarmless(logged);
    });

    test('as the name of a stream, of its query, of a command, and as a reason that a script gives', async () => {
      await using logged = await Logged.start({ session: { maxEarlyBytes: 1 << 20 } });
      const { core } = logged;
      for (const name of [value, `cam?${value}`, `cam?a=${value}`]) {
        for (const command of ['publish', 'play']) {
          await visit(core, async (peer) => {
            await peer.connect('live');
            const id = await peer.createStream();
            peer.command(command, 0, [name, command === 'play' ? -2000 : 'live'], id);
            peer.command(value, 0, [value]);
            await peer.settle();
          });
        }
      }
      core.scripts.prepare = (script) => {
        script.decide = () => ({ accepted: false, reason: value });
      };
      await visit(core, async (peer) => void (await peer.connect('other', {}, value)));
      const early = await core.peer();
      early.command(value, 1, []);
      await early.closed();
      await logged.left();
      await assertHarmless(logged);
    });
  });
}

test('in the requests of HTTP: paths, headers of proxies', async () => {
  await using logged = await Logged.start();
  const { core } = logged;
  const said = 'x\u0080\u009b31m"<>\'\\'.concat('y'.repeat(8_000)); // as bytes of Latin-1; HTTP itself lets no end of line through
  const socket = connect(core.port, '127.0.0.1');
  socket.end(Buffer.from(`GET /${said} HTTP/1.1\r\nHost: ${said}\r\nConnection: close\r\n\r\n`, 'latin1'));
  await once(socket.resume(), 'close');
  const tunnel = await TunnelClient.open(core.port, {
    headers: { 'x-forwarded-for': `203.0.113.7, ${said}` },
  });
  const peer = await RtmpPeer.over(tunnel.asSocket);
  await peer.connect('live');
  await peer[Symbol.asyncDispose]();
  await logged.left();
  await assertHarmless(logged);
  const [line] = await logged.lines('connect');
  assert.match(line!['x-forwarded-for'], /^203\.0\.113\.7,%20x.*%C2%9B31m%22%3C%3E/);
  assert.equal(line!['c-proto'], 'rtmpt');
});
