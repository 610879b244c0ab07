// Names of instances, made up by clients: each that is let in is an instance, with a script and memory of its own.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import type { TestServer } from '../../support/server.ts';
import type { OutsideAttack, Siege, Stage } from '../stage.ts';

/** A hall of good repute: it counts in memory, and would begin at 1 again if it lost its state. */
const COUNTING = `let count = 0;
Client.prototype.next = () => ++count;
application.onConnect = () => true;`;
/** Half a gigabyte for scripts instead of one and a half: the same attacks with a third of the names. */
const SCRIPT_MB = 512;
const PARALLEL = 40;

interface Flood {
  app: string;
  names: number;
  /** Where they come from, in turn. */
  addresses?: readonly string[];
  /** They stay until the end; else each leaves as soon as it has an answer. */
  stay?: boolean;
}

/** Where the attack comes from: everybody else is 127.0.0.1. */
const ATTACKER = ['127.0.0.66'];
let floods = 0;

/** Resolves with how many were let in, and the way out of those that stay. */
async function flood(
  { port }: TestServer,
  { app, names, addresses = ATTACKER, stay = true }: Flood,
): Promise<{ letIn: number; leave(): void }> {
  floods += 1;
  const prefix = `${app}/f${floods}-`;
  const inside: RtmpPeer[] = [];
  let letIn = 0;
  let next = 0;
  const worker = async () => {
    while (next < names) {
      const n = next++;
      const peer = await RtmpPeer.openFrom(addresses[n % addresses.length]!, port);
      const answer = await peer.connect(`${prefix}${n}`).catch(() => undefined);
      const isIn = answer?.name === '_result';
      if (isIn) letIn += 1;
      if (isIn && stay) inside.push(peer);
      else peer.socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return {
    letIn,
    leave() {
      for (const { socket } of inside) socket.destroy();
    },
  };
}

/** The neighbour's state outlives the attack, and clients of other addresses are let in wherever they want, before and after it ends. */
function beside(
  name: string,
  attack: (stage: Stage) => Promise<{ leave(): void }>,
  maxMb?: number,
): OutsideAttack {
  return {
    name,
    ...(maxMb !== undefined && { maxMb }),
    async run(stage) {
      const { server } = stage;
      const since = server.log.length;
      await using neighbour = await RtmpPeer.open(server.port);
      assert.equal((await neighbour.connect('count')).name, '_result');
      const before = Number((await neighbour.call('next')).args[0]);
      const { leave } = await attack(stage);
      try {
        for (const app of ['count', 'count/another', 'live', 'live/another', 'good']) {
          await using peer = await RtmpPeer.open(server.port);
          assert.equal((await peer.connect(app, {}, 7)).name, '_result', app);
        }
        const after = Number((await neighbour.call('next')).args[0]);
        assert.equal(after, before + 1, 'the neighbour has lost its state');
      } finally {
        leave();
      }
      const ended = server.log.slice(since).filter(({ event }) => event === 'runner-ended');
      assert.deepEqual(ended, [], 'the script process has ended');
      const faulty = server.log.slice(since).filter(({ event }) => event === 'quarantine');
      assert.deepEqual(faulty, [], 'an application is quarantined');
    },
  };
}

const EIGHT = Array.from({ length: 8 }, (_, i) => `127.0.1.${i + 1}`);
const SIXTEEN = Array.from({ length: 16 }, (_, i) => `127.0.2.${i + 1}`);

export const SIEGE: Siege = {
  title: 'names of instances',
  server: {
    applications: {
      'count/main.js': COUNTING,
      'plain/': '',
      'room/main.js':
        'application.onAppStart = () => trace("up"); application.onConnect = () => true; application.onAppStop = () => trace("down");',
      'closed/main.js': 'application.onConnect = () => false;',
      'slow/main.js':
        'application.onAppStart = () => { const end = Date.now() + 60; while (Date.now() < end); };',
      'loop/main.js': 'for (;;);',
      'large/main.js':
        'const all = []; for (let i = 0; i < 4e6; i++) all.push(i + 0.5); application.onConnect = () => all.length > 0;',
      'grow/main.js': `const all = []; application.onConnect = () => true;
        setInterval(() => { if (all.length < 45) all.push(new Uint8Array(1 << 20).fill(1)); }, 4);`,
      'stay/main.js': 'application.onConnect = () => true; application.onAppStop = () => false;',
    },
    conf: {
      'Server.xml': `<Root><Server><ResourceLimits><Scripts><MaxSize>${SCRIPT_MB * 1024}</MaxSize></Scripts></ResourceLimits></Server></Root>`,
    },
  },
  attacks: [
    beside(
      '600 names of an application without a script, from one address, that stay',
      async ({ server }) => {
        const { letIn, leave } = await flood(server, { app: 'plain', names: 600 });
        assert.ok(letIn <= 250, `${letIn} of one address`);
        return { leave };
      },
    ),
    beside('400 names of a script, from one address, that stay', async ({ server }) => {
      const { letIn, leave } = await flood(server, { app: 'room', names: 400 });
      assert.ok(letIn <= 250, `${letIn} of one address`);
      return { leave };
    }),
    beside('400 names of a script, from eight addresses, that stay', ({ server }) =>
      flood(server, { app: 'room', names: 400, addresses: EIGHT }),
    ),
    beside('1,200 names without a script, from sixteen addresses, that stay', ({ server }) =>
      flood(server, { app: 'plain', names: 1200, addresses: SIXTEEN }),
    ),
    beside('names that come and go', ({ server }) =>
      flood(server, { app: 'room', names: 400, addresses: SIXTEEN, stay: false }),
    ),
    beside('names that a script refuses', ({ server }) =>
      flood(server, { app: 'closed', names: 400, addresses: SIXTEEN }),
    ),
    beside('names of a script that starts slowly', ({ server }) =>
      flood(server, { app: 'slow', names: 40, addresses: ['127.0.0.67'] }),
    ),
    beside('names of a script that never loads', ({ server }) =>
      flood(server, { app: 'loop', names: 30, addresses: ['127.0.0.68'] }),
    ),
    beside('names of a script that wants to stay', ({ server }) =>
      flood(server, { app: 'stay', names: 300, addresses: EIGHT, stay: false }),
    ),
    beside('names of a script that takes much memory from the start', async ({ server }) => {
      const { letIn, leave } = await flood(server, { app: 'large', names: 60, addresses: ['127.0.0.69'] });
      assert.ok(letIn < 30, `${letIn} of 35 MB in ${SCRIPT_MB} MB`);
      return { leave };
    }),
    beside('instances that grow beyond the memory for scripts once they are in', async ({ server }) => {
      const { leave } = await flood(server, { app: 'grow', names: 16, addresses: ['127.0.0.70'] });
      await sleep(4000);
      return { leave };
    }),
    beside('1,000 applications that do not exist', ({ server }) =>
      flood(server, { app: 'nobody/x', names: 1000 }),
    ),
  ],
};
