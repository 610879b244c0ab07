// What a script can do with everything that it is given. New functions of the script API get a case here.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { membersOf } from '../../src/protocol/amf/amf.ts';
import { video } from '../support/media.ts';
import type { RtmpPeer } from '../support/rtmp-peer.ts';
import type { Attack, Stage } from './stage.ts';

/** A client that is let in and stays for a while; `body` runs then, again and again. */
function meanwhile(name: string, body: string, stayMs = 1500): Attack {
  const script = `application.onConnect = function (client) { setInterval(function () { ${body} }, 1); return true; };`;
  return { name, script, stayMs };
}

/** A method that the client calls. */
function called(name: string, script: string, calls = 1): Attack {
  return {
    name,
    script: `application.onConnect = function () { return true; };\n${script}`,
    async provoke(peer: RtmpPeer) {
      for (let i = 0; i < calls; i += 1) await peer.call('method');
    },
  };
}

/** A method whose caller gets an error, whatever becomes of the method. */
function refused(name: string, script: string): Attack {
  return {
    name,
    isHonest: true,
    script: `application.onConnect = function () { return true; };\n${script}`,
    async provoke(peer: RtmpPeer) {
      const { name: answer, args } = await peer.call('method');
      assert.equal(answer, '_error');
      assert.equal(membersOf(args[0])?.code, 'NetConnection.Call.Failed');
    },
  };
}

export const API_ATTACKS: readonly Attack[] = [
  // To clients and instance
  meanwhile('calls to a client', `for (let i = 0; i < 10000; i++) client.call('m', null, i);`),
  meanwhile('large calls to a client', `client.call('m', null, 'x'.repeat(1e6));`),
  meanwhile('calls to everybody', `for (let i = 0; i < 10000; i++) application.broadcastMsg('m', i);`),
  meanwhile('pings', 'for (let i = 0; i < 10000; i++) client.ping();'),
  meanwhile(
    'rights that change all the time',
    `for (let i = 0; i < 10000; i++) client.readAccess = '/' + i;`,
  ),
  meanwhile('disconnects', 'for (let i = 0; i < 10000; i++) application.disconnect(client);'),
  meanwhile(
    'the same client accepted and rejected',
    'for (let i = 0; i < 10000; i++) { application.acceptConnection(client); application.rejectConnection(client); }',
  ),
  meanwhile('the instance shut down', 'for (let i = 0; i < 10000; i++) application.shutdown();'),
  meanwhile(
    'data of a client that grows',
    `client.data = client.data || {}; client.data['k' + Math.random()] = 'x'.repeat(1e5);`,
  ),
  meanwhile(
    'connections to other servers begun and ended',
    `for (let i = 0; i < 1000; i++) {
       const nc = new NetConnection(); nc.connect('rtmp://127.0.0.1/x', 'x'.repeat(500)); new NetStream(nc).publish('x'); nc.close();
     }`,
  ),
  meanwhile(
    'streams of the server begun, changed and ended',
    `for (let i = 0; i < 200; i++) {
       const s = Stream.get('s' + i); s.play('none', 0); s.play('s' + (i + 1), -1); s.play('x', -2, 0, false);
       s.send('@setDataFrame', 'd' + i, 'x'.repeat(1000)); s.receiveAudio = i % 2 === 0; s.play(false);
     }`,
  ),
  {
    name: 'recordings begun and ended',
    script: `application.onConnect = () => true;
      application.onPublish = (client, stream) => {
        setInterval(() => { for (let i = 0; i < 2000; i++) { stream.record('record'); stream.record(false); } }, 1);
        return true;
      };`,
    provoke: publish,
  },
  {
    name: 'a stream that is thrown out again and again',
    script: `application.onConnect = () => true;
      application.onPublish = (client, stream) => {
        setInterval(() => { for (let i = 0; i < 10000; i++) stream.disconnect('no'); }, 1);
        return true;
      };`,
    provoke: publish,
  },
  // Log and timers
  meanwhile('a log that is never silent', `for (let i = 0; i < 5000; i++) trace('x'.repeat(400));`),
  meanwhile(
    'errors without end',
    `for (let i = 0; i < 500; i++) Promise.reject(new Error('x'.repeat(1000)));`,
  ),
  meanwhile(
    'timers that set timers',
    'for (let i = 0; i < 500; i++) setTimeout(() => setTimeout(() => {}, 0), 0);',
  ),
  meanwhile('a turn that just fits, over and over', 'const end = Date.now() + 60; while (Date.now() < end);'),
  // Values
  called('a result of two million characters', `Client.prototype.method = () => 'x'.repeat(2e6);`, 20),
  called(
    'a result nested deeply',
    'Client.prototype.method = () => { let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; return o; };',
    20,
  ),
  called(
    'a result with a million paths',
    'Client.prototype.method = () => { let o = {}; for (let i = 0; i < 20; i++) o = { a: o, b: o }; return o; };',
    20,
  ),
  called(
    'a result that never comes',
    'Client.prototype.method = () => new Promise(() => {}); setTimeout(() => application.shutdown(), 500);',
  ),
  called(
    'an error with a long text',
    `Client.prototype.method = () => { throw new Error('x'.repeat(1e7)); };`,
    20,
  ),
  ...[
    ['at once', 'method = () => { for (;;); }'],
    ['behind an await', 'method = async () => { await null; for (;;); }'],
    ['in a later turn', 'method = async () => { await new Promise((r) => setTimeout(r, 30)); for (;;); }'],
    [
      'behind an await of another',
      'other = async () => { await null; for (;;); }; Client.prototype.method = async function () { await this.other(); }',
    ],
    ['in a getter of its result', 'method = async () => ({ get then() { for (;;); } })'],
    [
      'for memory, behind an await',
      'method = async () => { await null; const a = []; for (;;) a.push("x".repeat(1e5) + a.length); }',
    ],
  ].map(([where, text]) =>
    refused(`a method that loops ${where}, and whose caller hears of it`, `Client.prototype.${text};`),
  ),
  called('a name that resolves to a loop', 'Client.prototype.__resolve = () => { for (;;); };'),
  called(
    'a getter in the place of a method',
    'Object.defineProperty(Client.prototype, "method", { get() { for (;;); } });',
  ),
  {
    name: 'many clients that are never answered',
    script: 'application.onConnect = function () {};',
    provoke: async (_, stage) => stage.crowd(50),
  },
  {
    name: 'more calls than it can answer',
    script:
      'application.onConnect = () => true; Client.prototype.method = () => { const end = Date.now() + 5; while (Date.now() < end); };',
    async provoke(peer) {
      for (let i = 0; i < 20_000; i += 1) peer.command('method', 0, [i]);
      await sleep(1000);
    },
  },
  // Reload
  {
    name: 'a script that is saved all the time, and never loads',
    script: 'application.onConnect = () => true;',
    provoke: (_, stage) => saveOften(stage, (i) => `for (;;); // ${i}`),
  },
  {
    name: 'a script that is saved all the time, and starts slowly',
    script: 'application.onConnect = () => true;',
    provoke: (_, stage) => saveOften(stage, (i) => `application.onAppStart = () => { for (;;); }; // ${i}`),
  },
  {
    name: 'a script that gives away state without end',
    script: `application.onConnect = () => true;
      application.onBeforeReload = () => { const all = []; for (let i = 0; i < 1e5; i++) all.push('x'.repeat(100)); return all; };`,
    provoke: (_, stage) =>
      saveOften(stage, (i) => `application.onBeforeReload = () => { for (;;); }; // ${i}`),
  },
  // What browsers have
  meanwhile(
    'keys made',
    `crypto.subtle.generateKey({ name: 'RSA-PSS', modulusLength: 4096, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, ['sign', 'verify']);`,
  ),
  meanwhile(
    'a key derived with patience',
    `crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits'])
    .then((key) => crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-512', salt: new Uint8Array(8), iterations: 1e6 }, key, 4096));`,
  ),
  meanwhile('random bytes', 'for (;;) crypto.getRandomValues(new Uint8Array(1024));'),
  meanwhile('clones', 'let o = []; for (let i = 0; i < 1000; i++) o = [o, o.slice()]; structuredClone(o);'),
  meanwhile(
    'addresses',
    `for (let i = 0; i < 100; i++) new URL('http://' + 'a.'.repeat(5000) + '/?' + '%41'.repeat(5000));`,
  ),
  meanwhile(
    'listeners',
    'const c = new AbortController(); for (let i = 0; i < 10000; i++) c.signal.addEventListener("abort", () => {}); c.abort();',
  ),
  // Services of the media side
  meanwhile(
    'fetches of what is not granted',
    `for (let i = 0; i < 100; i++) fetch('http://127.0.0.1:1/' + i).catch(() => {});`,
  ),
  meanwhile(
    'the store written without end',
    `for (let i = 0; i < 50; i++) application.store.set('k' + Math.random(), 'x'.repeat(60000)).catch(() => {});`,
  ),
  meanwhile(
    'one counter in the store, hammered',
    `for (let i = 0; i < 900; i++) application.store.add('n', 1).catch(() => {});`,
  ),
  meanwhile(
    'commands that nobody has granted',
    `for (let i = 0; i < 100; i++) { try { application.exec('sh', { input: '-c' }).exited.catch(() => {}); } catch {} }`,
  ),
];

async function publish(peer: RtmpPeer): Promise<void> {
  const id = await peer.createStream();
  peer.command('publish', 0, ['show', 'live'], id);
  peer.video(id, 0, video.header());
  peer.video(id, 10, video.keyframe());
  await sleep(1500);
}

async function saveOften(stage: Stage, script: (i: number) => string): Promise<void> {
  for (let i = 0; i < 15; i += 1) {
    stage.rewrite(script(i));
    await sleep(100);
  }
}
