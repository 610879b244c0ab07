// SWF verification against rtmpdump, which fetches the SWF and hashes it by itself, or is told a hash.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { digestSwf } from '../../src/protocol/rtmp/swf.ts';
import { endsWithUs, Tail } from '../support/child.ts';
import { lacks, programPath } from '../support/debian.ts';
import { h264Clip, probePackets, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { hex, toHex } from '../support/hex.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** A SWF with nothing in it, and one with something behind that. */
const SWF = hex('46 57 53 09 0f 00 00 00  08 00 00 0c 01 00 00');
const OTHER = hex('46 57 53 09 10 00 00 00  08 00 00 0c 01 00 00 00');

const root = mkdtempSync(join(tmpdir(), 'understudy-swf-'));
after(() => rmSync(root, { recursive: true, force: true }));

describe('rtmpdump', { skip: lacks('rtmpdump') }, () => {
  let server: TestServer;
  let publisher: ReturnType<typeof startFfmpeg>;
  const web = createServer((request, response) => {
    const body = request.url === '/player.swf' ? compressed(SWF) : OTHER;
    response.writeHead(200, { 'Content-Length': body.length, 'Last-Modified': new Date(0).toUTCString() });
    response.end(body);
  });

  before(async () => {
    mkdirSync(join(root, 'applications', 'live', 'SWFs'), { recursive: true });
    writeFileSync(join(root, 'applications', 'live', 'SWFs', 'player.swf'), compressed(SWF));
    server = await startServer({
      root,
      applications: {
        'live/Application.xml': `<Application><SWFVerification enabled="true">
          <FirstHashTimeout>1</FirstHashTimeout><FinalHashTimeout>2</FinalHashTimeout>
          <UserAgentExceptions><Exception from="FMLE/0.0" to="FMLE/9.9"></Exception></UserAgentExceptions>
        </SWFVerification></Application>`,
      },
    });
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    publisher = startFfmpeg(publishArgs(await h264Clip(), server.url('live', 'show'), { loop: true }));
    await publisher.reached(1);
  });
  after(async () => {
    web.close();
    await publisher.kill();
    await server[Symbol.asyncDispose]();
  });

  /** Resolves to how many packets it has got, once it has ended. */
  async function play(protocol: string, ...options: string[]): Promise<{ packets: number; said: string }> {
    const file = join(root, 'played.flv');
    rmSync(file, { force: true });
    const url = server.url('live', 'show').replace('rtmp:', `${protocol}:`);
    const args = ['--live', '--stop', '1', '-r', url, '-o', file, ...options];
    const child = endsWithUs(
      spawn(programPath('rtmpdump'), args, {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, HOME: root }, // where it keeps what it knows of SWFs
      }),
    );
    const said = new Tail();
    child.stderr.setEncoding('utf8').on('data', (text: string) => said.add(text));
    await once(child, 'close');
    const packets = await probePackets(file).then(
      ({ length }) => length,
      () => 0,
    );
    return { packets, said: String(said) };
  }

  const swfUrl = (name: string) => `http://127.0.0.1:${(web.address() as AddressInfo).port}/${name}`;

  test('plays with the SWF of which there is a copy, fetched or by its hash, encrypted too', async () => {
    const { sizeBytes, hash } = digestSwf(SWF);
    const byHash = ['-w', toHex(hash), '-x', String(sizeBytes), '-s', swfUrl('player.swf')];
    for (const [protocol, options] of [
      ['rtmp', ['-W', swfUrl('player.swf')]],
      ['rtmp', byHash],
      ['rtmpe', byHash],
    ] as const) {
      const { packets, said } = await play(protocol, ...options);
      assert.ok(packets > 0, said);
    }
  });

  test('is sent away with another SWF, and without one', async () => {
    for (const [options, why] of [
      [['-W', swfUrl('other.swf')], 'no correct response within 2000 ms'],
      [[], 'no response within 1000 ms'],
    ] as const) {
      const since = server.log.length;
      const { packets, said } = await play('rtmp', ...options);
      assert.equal(packets, 0, said);
      const { reason } = await server.waitForLog(({ event }) => event === 'swf-refused', 10_000, since);
      assert.equal(reason, why);
    }
  });
});

function compressed(swf: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('C'), swf.subarray(1, 8), deflateSync(swf.subarray(8))]);
}
