// Started by root, serving as somebody else: Process of Server.xml.
import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { h264Clip, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer } from '../support/server.ts';

const UID = 65533;
const skip = process.getuid?.() === 0 ? false : 'only root can start a server that becomes somebody else';

/** That anybody may enter, as /srv and /var/lib are. */
function openRoot(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'understudy-user-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  chmodSync(root, 0o755);
  return root;
}

/** The process of the scripts. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}

function runnerOf(pid: number): number {
  const children = childrenOf(pid);
  const runner = children.find((child) =>
    readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('no-node-snapshot'),
  );
  assert.ok(runner, `no process of scripts among ${children}`);
  return runner;
}

function ownersBelow(folder: string): Set<number> {
  const owners = new Set([lstatSync(folder).uid]);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    for (const uid of entry.isDirectory() ? ownersBelow(path) : [lstatSync(path).uid]) owners.add(uid);
  }
  return owners;
}

test('the server gives root up once its ports are open, and goes on writing, rotating, recording and ending in order', {
  skip,
}, async (t) => {
  const root = openRoot(t);
  const options = {
    root,
    applications: {
      'live/main.ts': `application.onPublish = () => ({ record: 'record' });
        application.onConnect = () => { trace('hello'); return true; };`,
    },
    conf: { 'Server.xml': '<Root><Server><Mask>017</Mask></Server></Root>' },
    set: { 'SERVER.PROCESS_UID': String(UID) },
  };
  mkdirSync(join(root, 'logs', 'old'), { recursive: true });
  await using server = await startServer(options);
  const { pid } = JSON.parse(readFileSync(join(root, 'run', 'admin.json'), 'utf8'));
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  assert.match(status, new RegExp(`^Uid:\\t${UID}\\t${UID}\\t${UID}\\t${UID}$`, 'm'));
  assert.match(status, new RegExp(`^Gid:\\t${UID}\\t${UID}\\t${UID}\\t${UID}$`, 'm'));
  assert.match(status, new RegExp(`^Groups:\\t${UID} $`, 'm'));
  assert.match(status, /^CapEff:\t0+$/m);

  await using publisher = startFfmpeg(publishArgs(await h264Clip(), server.url('live', 'cam')));
  await publisher.reached(1);
  await publisher.stop();
  process.kill(pid, 'SIGHUP'); // logs are opened anew, by the new user
  const recording = join(root, 'applications/live/streams/_definst_/cam.flv');
  await server.waitForLog(({ event }) => event === 'record-stop');
  assert.equal(statSync(recording).uid, UID);
  assert.equal(statSync(recording).mode & 0o777, 0o660, 'Mask');
  assert.equal(statSync(join(root, 'logs/_defaultVHost_')).mode & 0o777, 0o770, 'and its folders');
  process.kill(runnerOf(pid), 'SIGKILL'); // the next one cannot begin as root
  await using peer = await RtmpPeer.open(server.port);
  assert.equal((await peer.connect('live')).name, '_result');
  assert.match(
    readFileSync(`/proc/${runnerOf(pid)}/status`, 'utf8'),
    new RegExp(`^Uid:\\t${UID}\\t${UID}`, 'm'),
  );
  for (const child of childrenOf(pid)) {
    const all = readFileSync(`/proc/${child}/status`, 'utf8');
    assert.match(all, new RegExp(`^Uid:\\t${UID}\\t${UID}`, 'm'), `process ${child}`);
  }
  await server.stop();
  assert.deepEqual([...ownersBelow(join(root, 'logs'))], [UID]);
  assert.match(readFileSync(join(root, 'logs/access.00.log'), 'utf8'), /server-stop/);
  assert.equal(server.log.filter(({ event }) => event === 'log-file').length, 0);
});

test('a user who could not go on is an error that says where the way is closed to him', {
  skip,
}, async (t) => {
  const root = openRoot(t);
  mkdirSync(join(root, 'closed'), { mode: 0o700 });
  const inside = join(root, 'closed', 'root');
  mkdirSync(inside);
  await assert.rejects(
    startServer({ root: inside, set: { 'SERVER.PROCESS_UID': String(UID) } }),
    (error: Error) =>
      error.message.includes(
        `the user ${UID} cannot write to ${inside}/logs: this user has no access to ${root}/closed`,
      ),
  );
});
