// Authors of scripts who start granted programs without end, or programs that write without end.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import type { OutsideAttack, Siege } from '../stage.ts';

const again = (name: string) =>
  `application.onConnect = () => { setInterval(() => {
     for (let i = 0; i < 100; i++) application.exec('${name}').exited.catch(() => {}); }, 20); return true; };`;

const grant = (name: string, program: string, args: string[], maxRunning: number) =>
  `<Application><JSEngine><Exec name="${name}"><Program>${program}</Program>
   ${args.map((text) => `<Argument>${text}</Argument>`).join('')}<MaxRunning>${maxRunning}</MaxRunning></Exec></JSEngine></Application>`;

const HONEST = `application.onConnect = () => true;
Client.prototype.go = () => application.exec('echo').exited.then(({ code }) => 'ended ' + code);`;

const STAY_MS = 3000;

function attackWith(application: string, name: string): OutsideAttack {
  return {
    name,
    async run({ server }) {
      const since = server.log.length;
      const peers: RtmpPeer[] = [];
      try {
        for (let i = 0; i < 4; i += 1) {
          const peer = await RtmpPeer.open(server.port);
          peers.push(peer);
          await peer.connect(`${application}/${i}`);
        }
        await using honest = await RtmpPeer.open(server.port);
        await honest.connect('honest');
        assert.equal((await honest.call('go')).args[0], 'ended 0');
        await sleep(STAY_MS);
      } finally {
        for (const peer of peers) await peer[Symbol.asyncDispose]();
      }
      assert.ok(
        server.log.slice(since).some(({ event, limit }) => event === 'limit' && limit === 'MaxPrograms'),
      );
    },
  };
}

export const SIEGE: Siege = {
  title: 'programs without end',
  server: {
    applications: {
      'honest/main.js': HONEST,
      'honest/Application.xml': grant('echo', 'true', [], 4),
      'short/main.js': again('true'),
      'short/Application.xml': grant('true', 'true', [], 1000),
      'loud/main.js': again('loud'),
      'loud/Application.xml': grant('loud', 'sh', ['-c', 'yes >&amp;2'], 1000),
    },
    conf: {
      'Server.xml':
        '<Root><Server><ResourceLimits><Scripts><MaxPrograms>20</MaxPrograms></Scripts></ResourceLimits></Server></Root>',
    },
  },
  attacks: [
    attackWith('short', 'programs that end at once, started as fast as a script can'),
    attackWith('loud', 'twenty programs that write to their stderr without end'),
  ],
};
