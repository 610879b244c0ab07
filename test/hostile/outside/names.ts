// Whoever is kept from a recording by its name, or by that of its instance, asks for it in other words.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { until } from '../../support/core.ts';
import { flvFile } from '../../support/flv.ts';
import { video } from '../../support/media.ts';
import { RtmpPeer, statusOf } from '../../support/rtmp-peer.ts';
import type { Siege, Stage } from '../stage.ts';

/** Lets nobody to what is called private, and says what it was asked. */
const GUARD = `
const isPrivate = (name) => /(^|[:/])private\\//.test(name);
application.onConnect = () => true;
application.onPlay = (client, stream, request) => { trace('asked ' + request.name); return !isPrivate(request.name); };
application.onPublish = (client, stream, request) => { trace('asked ' + request.name); return !isPrivate(request.name); };`;

const FILM = flvFile({ ms: 400 }).bytes;

function place({ server }: Stage, file: string): string {
  const path = join(server.root, 'applications/guarded/streams', file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, FILM);
  return path;
}

/** An answer to play or publish: refused, or begun. */
const DECIDED =
  /^NetStream\.(Play\.(Start|Failed|StreamNotFound|FileStructureInvalid|NoSupportedTrackFound)|Publish\.)/;

async function decided(peer: RtmpPeer): Promise<string> {
  const heard = await peer.expect('an answer', (one) => DECIDED.test(String(statusOf(one.command)?.code)));
  return String(statusOf(heard.command)?.code);
}

/** What becomes of each play from a file, one after another on one connection. None: the client is not let in. */
async function plays({ server }: Stage, app: string, names: readonly string[]): Promise<string[]> {
  await using peer = await RtmpPeer.open(server.port);
  if ((await peer.connect(app)).name !== '_result') return [];
  const id = await peer.createStream();
  const codes: string[] = [];
  for (const name of names) {
    peer.command('play', 0, [name, 0], id);
    codes.push(await decided(peer));
  }
  return codes;
}

async function play(stage: Stage, app: string, name: string): Promise<string | undefined> {
  return (await plays(stage, app, [name]))[0];
}

async function publish({ server }: Stage, app: string, name: string): Promise<string | undefined> {
  await using peer = await RtmpPeer.open(server.port);
  if ((await peer.connect(app)).name !== '_result') return undefined;
  const id = await peer.createStream();
  peer.command('publish', 0, [name, 'record'], id);
  const code = await decided(peer);
  peer.video(id, 0, video.header());
  peer.video(id, 0, video.keyframe());
  peer.command('closeStream', 0, [], id);
  await peer.settle();
  return code;
}

const INSTANCES = [
  'guarded',
  'guarded/_definst_',
  'guarded/_definst_/private',
  'guarded//private',
  'guarded/_definst_%2Fprivate',
];
const FOLDERS = [
  'private/',
  './private/',
  '/private/',
  'private//',
  '_definst_/../private/',
  'x/../private/',
  'private\\',
  'private%2F',
  'PRIVATE/',
  'private\u200d/',
  'private./',
  'private /',
  '',
];
const FILES = ['film', 'film.flv', 'film.mp4', 'song'];
const KINDS = ['', 'flv:', 'FLV:', 'mp4:', 'MP4:', 'mp3:', 'id3:', 'flv:flv:', 'flv:mp4:', 'raw:'];

export const SIEGE: Siege = {
  title: 'names that meet on the disk',
  server: { applications: { 'guarded/main.js': GUARD } },
  attacks: [
    {
      name: 'a recording that a gate guards by its name, asked for by every spelling of instance, folder and kind',
      async run(stage) {
        const path = place(stage, '_definst_/private/film.flv');
        place(stage, '_definst_/private/song.mp3');
        place(stage, '_definst_/private/film.mp4');
        const names = FOLDERS.flatMap((folder) =>
          KINDS.flatMap((kind) => FILES.map((file) => `${kind}${folder}${file}`)),
        );
        const started: string[] = [];
        const ask = async (app: string) => {
          const codes = await plays(stage, app, names);
          started.push(
            ...names.filter((_, i) => codes[i] === 'NetStream.Play.Start').map((name) => `${app} ${name}`),
          );
        };
        await Promise.all(INSTANCES.map(ask));
        assert.deepEqual(started, []);
        assert.ok(readFileSync(path).equals(FILM));
      },
    },
    {
      name: 'a guarded recording that somebody records over by another spelling',
      async run(stage) {
        const path = place(stage, '_definst_/private/film.flv');
        const before = statSync(path);
        for (const app of INSTANCES)
          for (const name of [
            'private/film',
            'flv:private/film',
            'FLV:private/film.flv',
            'private/film.flv',
            'film',
          ])
            await publish(stage, app, name);
        const after = statSync(path);
        assert.deepEqual([after.ino, after.size], [before.ino, before.size]);
      },
    },
    {
      name: 'two instances, one called like a folder of the other, that record and play each its own',
      async run(stage) {
        assert.equal(await publish(stage, 'guarded/rooms/7', 'talk'), 'NetStream.Publish.Start');
        assert.equal(await publish(stage, 'guarded/rooms', '8/talk'), 'NetStream.Publish.Start');
        assert.equal(await play(stage, 'guarded/rooms/7', 'talk'), 'NetStream.Play.Start');
        assert.equal(await play(stage, 'guarded/rooms', '8/talk'), 'NetStream.Play.Start');
        assert.equal(await play(stage, 'guarded/rooms', '7/talk'), 'NetStream.Play.StreamNotFound');
        assert.equal(await play(stage, 'guarded/rooms/8', 'talk'), 'NetStream.Play.StreamNotFound');
        assert.equal(await play(stage, 'guarded/rooms%2F7', 'talk'), 'NetStream.Play.StreamNotFound');
      },
    },
    {
      name: 'a name of an instance that is the name of another one’s log file',
      async run(stage) {
        for (const name of ['application.00.log', 'application.01.log']) {
          await using peer = await RtmpPeer.open(stage.server.port);
          await peer.connect(`guarded/_definst_/${name}`);
          await play(stage, `guarded/_definst_/${name}`, 'x');
        }
        await play(stage, 'guarded', 'named');
        const file = join(stage.server.root, 'logs/_defaultVHost_/guarded/_definst_/application.00.log');
        await until('its line', () => existsSync(file) && readFileSync(file, 'utf8').includes('asked named'));
      },
    },
  ],
};
