// Authors of scripts who log, or fail in another way each time, without end and in many instances.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import type { OutsideAttack, Siege } from '../stage.ts';

const again = (body: string) =>
  `application.onConnect = () => { setInterval(() => { for (let i = 0; i < 200; i++) ${body} }, 100); return true; };`;

const FLOODS: Readonly<Record<string, string>> = {
  lines: again(`trace('x'.repeat(8000));`),
  errors: again(`setTimeout(() => { throw new Error(Math.random() + 'x'.repeat(1900)); }, 1);`),
  secrets: again(`setTimeout(() => { throw new Error(Math.random() + 'x'.repeat(1900)); }, 1);`),
};

const INSTANCES = 25;
const STAY_MS = 2000;
/** MaxLogSize, for lines and for errors. */
const LOGGED_BYTES_PER_SECOND = 2 << 20;
const BURST_SECONDS = 10;

function attackWith(application: string, name: string): OutsideAttack {
  return {
    name,
    async run({ server }) {
      const since = server.log.length;
      const sinceMs = performance.now();
      const peers: RtmpPeer[] = [];
      try {
        for (let i = 0; i < INSTANCES; i += 1) {
          const peer = await RtmpPeer.open(server.port);
          peers.push(peer);
          await peer.connect(`${application}/${i}`);
        }
        await sleep(STAY_MS);
      } finally {
        for (const peer of peers) await peer[Symbol.asyncDispose]();
      }
      const records = server.log.slice(since).filter((record) => record.application === application);
      const bytes = records.reduce((sum, record) => sum + JSON.stringify(record).length, 0);
      const seconds = BURST_SECONDS + (performance.now() - sinceMs) / 1000;
      assert.ok(bytes <= LOGGED_BYTES_PER_SECOND * seconds, `${(bytes / 2 ** 20).toFixed(0)} MB were logged`);
      if (application !== 'secrets')
        assert.ok(
          records.some(({ event, limit }) => event === 'limit' && String(limit).startsWith('MaxLog')),
        );
    },
  };
}

export const SIEGE: Siege = {
  title: 'logs without end',
  server: {
    applications: {
      ...Object.fromEntries(Object.entries(FLOODS).map(([name, script]) => [`${name}/main.js`, script])),
      'secrets/.env': Array.from({ length: 200 }, (_, i) => `S${i}=xxxxxxx${i}`).join('\n'),
    },
  },
  attacks: [
    attackWith('lines', 'lines of 8 kB from 25 instances'),
    attackWith('errors', 'errors of which none is like another from 25 instances'),
    attackWith('secrets', 'the same of an application with two hundred secrets'),
  ],
};
