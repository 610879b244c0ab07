// V8's code of the guest library, made once in a process and given to every isolate: without it each would read the library
// again, and whatever a script calls for the first time would be compiled while somebody waits.
//
// The engine's own cache has only what runs at once. So the library is rehearsed here, in a context of our own isolate, with a
// script that does what scripts do; then its functions are in the cache too. Nobody else's code ever runs there.
import { createContext, Script } from 'node:vm';
import {
  GUEST_FILENAME,
  type GuestSetup,
  RANDOM_POOL_BYTES,
  type RunnerEvent,
  type ScriptEvent,
  type WireClient,
} from '../wire/wire.ts';

interface Guest {
  load(setup: string, code: string, random: Uint8Array): void;
  deliver(events: string): void;
  drain(): string[];
}

const SCRIPT = `
  application.onAppStart = () => { setTimeout(() => {}, 1); };
  application.onConnect = (client, key) => { client.data = { key }; trace(key); return true; };
  application.onPublish = () => true;
  application.onPlay = () => true;
  application.onDisconnect = () => {};
  application.onClientResume = () => {};
  Client.prototype.echo = (value) => value;`;

const SETUP: GuestSetup = {
  script: { kind: 'module', filename: 'app:///rehearsal.js', files: {} },
  application: { name: 'rehearsal/_definst_', server: '', hostname: '', config: {}, env: {} },
  limits: { memoryMb: 1, turnMs: 1000, loadMs: 1000, timers: 10, logLines: 10 },
};

const STATS = { bytes_in: 0, bytes_out: 0, msg_in: 0, msg_out: 0, msg_dropped: 0, ping_rtt: 0 };

/** What every isolate needs of it costs each of them memory, so these are the few that nearly every script meets. */
const TURNS: readonly (ScriptEvent | RunnerEvent)[][] = [
  [
    {
      t: 'start',
      id: 1,
      why: 'reload',
      snapshot: {
        clients: [{ facts: client('a'), stats: STATS, saved: { data: { key: 1 } } }],
        streams: [{ name: 's', query: '', publisher: 'a', players: ['a'] }],
      },
    },
  ],
  [{ t: 'gate', id: 2, gate: 'onConnect', client: client('b'), args: ['key'] }],
  [{ t: 'call', id: 3, client: 'b', name: 'echo', args: [1], wantsResult: true }],
  [{ t: 'disconnect', client: 'b' }],
  [{ t: 'save', id: 4 }],
];

/** Some 10 ms. Machine code in all but name: never from anywhere that a script or a user can write. */
export function warmCodeCache(guest: string): ArrayBuffer {
  const script = new Script(guest, { filename: GUEST_FILENAME });
  const library = script.runInContext(createContext()) as Guest;
  library.load(JSON.stringify(SETUP), SCRIPT, new Uint8Array(RANDOM_POOL_BYTES));
  library.drain();
  for (const events of TURNS) {
    library.deliver(JSON.stringify(events));
    library.drain();
  }
  return Uint8Array.from(script.createCachedData()).buffer;
}

function client(id: string): WireClient {
  const text = {
    ip: '',
    agent: '',
    referrer: '',
    pageUrl: '',
    uri: '',
    protocol: '',
    virtualKey: '',
    user: '',
  };
  const access = { readAccess: '/', writeAccess: '/', audioSampleAccess: '', videoSampleAccess: '' };
  return { id, ...text, ...access, secure: false, objectEncoding: 0 };
}
