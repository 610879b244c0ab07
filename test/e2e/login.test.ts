// Logins as real encoders make them: ffmpeg's own RTMP, and librtmp, which is in OBS and GStreamer.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { addUser } from '../../src/cli/user.ts';
import { endsWithUs, Tail } from '../support/child.ts';
import { lacks, programPath } from '../support/debian.ts';
import { h264Clip, playArgs, probePackets, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { startServer, type TestServer } from '../support/server.ts';

const root = mkdtempSync(join(tmpdir(), 'understudy-login-'));
const LIBRTMP = join(import.meta.dirname, '..', 'support', 'librtmp-publish.py');
let server: TestServer;

before(async () => {
  for (const name of ['ann', 'bob']) await addUser(root, name, async () => `${name}s-password`);
  const authentication = (rest: string) =>
    `<Application><Authentication>${rest}</Authentication></Application>`;
  server = await startServer({
    root,
    applications: {
      'live/Application.xml': authentication('<Mode>publishers</Mode>'),
      'limelight/Application.xml': authentication('<Mode>publishers</Mode><Scheme>llnw</Scheme>'),
      'closed/Application.xml': authentication('<Mode>everybody</Mode>'),
      'closed/main.ts': `
        application.onAuthenticate = async (user) => (user === 'eve' ? 'apple' : undefined);
        application.onPublish = (client, stream) => ({ record: 'record' });`,
    },
  });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

function url(application: string, stream: string, login = ''): string {
  return server.url(application, stream).replace('rtmp://', `rtmp://${login}`);
}

/** Who has come in to publish since then. */
function publishers(since: number): unknown[] {
  return server.log.slice(since).flatMap(({ event, user }) => (event === 'publish' ? [user] : []));
}

describe('ffmpeg', () => {
  test('publishes with a password from conf/users, and is played by who needs none', async () => {
    const clip = await h264Clip();
    const since = server.log.length;
    const login = 'ann:anns-password@';
    await using publisher = startFfmpeg(publishArgs(clip, url('live', 'show', login), { loop: true }));
    await publisher.reached(1);
    const file = join(root, 'played.flv');
    const player = startFfmpeg(playArgs(url('live', 'show'), file));
    await player.reached(1);
    await player.stop();
    assert.ok((await probePackets(file)).length > 0);
    assert.deepEqual(publishers(since), ['ann']);
    const secrets = server.log.filter((record) => JSON.stringify(record).includes('anns-password'));
    assert.deepEqual(secrets, []);
  });

  for (const [what, login, why] of [
    ['a wrong password', 'ann:guess@', 'ann gave a wrong password'],
    ['an unknown user', 'nobody:guess@', 'nobody is unknown'],
  ] as const) {
    test(`is turned away with ${what}, and told no more than that`, async () => {
      const since = server.log.length;
      const publisher = startFfmpeg(publishArgs(await h264Clip(), url('live', 'other', login)));
      assert.notEqual((await publisher.exited).code, 0);
      assert.match(String(publisher.stderr), /Incorrect username\/password/);
      await server.waitForLog(
        ({ event, reason }) => event === 'login-failed' && reason === why,
        1_000,
        since,
      );
      assert.deepEqual(publishers(since), []);
    });
  }

  test('is turned away without a login', async () => {
    const publisher = startFfmpeg(publishArgs(await h264Clip(), url('live', 'other')));
    assert.notEqual((await publisher.exited).code, 0);
    assert.match(String(publisher.stderr), /code=403 need auth/);
  });

  test('publishes by authmod=llnw', async () => {
    const since = server.log.length;
    const login = 'bob:bobs-password@';
    await using publisher = startFfmpeg(publishArgs(await h264Clip(), url('limelight', 'show', login)));
    await publisher.reached(1);
    assert.deepEqual(publishers(since), ['bob']);
  });

  test('plays where everybody has to log in, with a password that the script knows', async () => {
    const refused = startFfmpeg(playArgs(url('closed', 'show'), join(root, 'refused.flv')));
    assert.notEqual((await refused.exited).code, 0);
    const since = server.log.length;
    const player = startFfmpeg(playArgs(url('closed', 'show', 'eve:apple@'), join(root, 'closed.flv')));
    const { user } = await server.waitForLog(({ event }) => event === 'play', 10_000, since);
    assert.equal(user, 'eve');
    await player.kill();
  });
});

describe('librtmp', { skip: lacks('python3', 'rtmpdump') }, () => {
  async function publish(options: string): Promise<{ code: number; said: string }> {
    const child = endsWithUs(
      spawn(programPath('python3'), [LIBRTMP, options, await h264Clip()], {
        stdio: ['ignore', 'ignore', 'pipe'],
      }),
    );
    const said = new Tail();
    child.stderr.setEncoding('utf8').on('data', (text: string) => said.add(text));
    const [code] = (await once(child, 'close')) as [number];
    return { code, said: String(said) };
  }

  test('publishes all of a clip with a password that the script knows, and not with a wrong one', async () => {
    const since = server.log.length;
    const wrong = await publish(`${url('closed', 'clip')} pubUser=eve pubPasswd=pear`);
    assert.notEqual(wrong.code, 0, wrong.said);
    const right = await publish(`${url('closed', 'clip')} pubUser=eve pubPasswd=apple`);
    assert.equal(right.code, 0, right.said);
    await server.waitForLog(({ event }) => event === 'record-stop', 10_000, since);
    assert.deepEqual(publishers(since), ['eve']);
    const recorded = await probePackets(join(root, 'applications/closed/streams/_definst_/clip.flv'));
    const hashes = (packets: typeof recorded) =>
      packets.map(({ pts, size, hash }) => `${pts} ${size} ${hash}`);
    assert.deepEqual(hashes(recorded), hashes(await probePackets(await h264Clip())));
  });
});
