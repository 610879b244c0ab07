// RTMPE as rtmpdump speaks it: Flash Player's handshake, from a code base of its own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { endsWithUs } from '../support/child.ts';
import { lacks, programPath } from '../support/debian.ts';
import { h264Clip, probePackets, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { assertBeginsLike } from '../support/packets.ts';
import { startServer, type TestServer } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'understudy-rtmpe-'));
after(() => rmSync(dir, { recursive: true, force: true }));

describe('rtmpdump', { skip: lacks('rtmpdump') }, () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({
      applications: {
        'live/main.ts': `application.onConnect = (client) => {
          trace('came by', client.protocol, client.secure, client.uri);
          return true;
        };`,
      },
    });
  });
  after(() => server[Symbol.asyncDispose]());

  async function play(protocol: string): Promise<string> {
    const file = join(dir, `${protocol}.flv`);
    const url = `${protocol}://127.0.0.1:${server.port}/live/show`;
    const child = endsWithUs(
      spawn(programPath('rtmpdump'), ['--live', '-r', url, '-o', file], {
        stdio: 'ignore',
      }),
    );
    await once(child, 'close'); // it leaves when the publisher does
    return file;
  }

  test('S-05: plays by rtmpe and rtmpte on the port of RTMP what is published by rtmp, packet for packet', async () => {
    const clip = await h264Clip();
    const playing = Promise.all([play('rtmpe'), play('rtmpte')]);
    await Promise.all(
      ['rtmpe', 'rtmpte'].map((protocol) =>
        server.waitForLog((record) => record.event === 'play' && record.protocol === protocol),
      ),
    );
    await using publisher = startFfmpeg(
      publishArgs(clip, server.url('live', 'show')).toSpliced(1, 0, '-t', '4'),
    );
    assert.equal((await publisher.exited).code, 0, String(publisher.stderr));
    for (const file of await playing) await assertBeginsLike(clip, file, 95);
    const traced = server.log.map(({ msg }) => String(msg)).filter((msg) => msg.includes('came by rtmp'));
    for (const protocol of ['rtmpe', 'rtmpte']) {
      const line = `came by ${protocol} false ${protocol}://127.0.0.1:${server.port}/live`;
      assert.ok(
        traced.some((text) => text.endsWith(line)),
        `${line} among ${traced}`,
      );
    }
  });

  for (const version of [8, 9]) {
    test(`takes our signature of version ${version} for genuine, which it checks when the server says so`, async () => {
      await using publisher = startFfmpeg(
        publishArgs(await h264Clip(), server.url('live', 'show'), { loop: true }),
      );
      await publisher.reached(1);
      const relay = await startRelay(server.port, version);
      try {
        const file = join(dir, `version-${version}.flv`);
        const url = `rtmpe://127.0.0.1:${relay.port}/live/show`;
        const child = endsWithUs(
          spawn(programPath('rtmpdump'), ['--live', '--stop', '1', '-r', url, '-o', file], {
            stdio: 'ignore',
          }),
        );
        await once(child, 'close');
        assert.ok((await probePackets(file)).length > 0);
      } finally {
        relay.close();
      }
    });
  }
});

/** rtmpdump itself asks for version 6: on the way to the server its first byte becomes another. */
async function startRelay(port: number, version: number): Promise<{ port: number; close(): void }> {
  const relay = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port });
    for (const socket of [client, upstream]) socket.on('error', () => {});
    client.once('data', (first: Buffer) => {
      first[0] = version;
      upstream.write(first);
      client.pipe(upstream);
    });
    upstream.pipe(client);
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  return { port: (relay.address() as AddressInfo).port, close: () => void relay.close() };
}
