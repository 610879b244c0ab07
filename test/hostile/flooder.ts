// A process that floods: so many connections of one address come in, and write the same without end for as long as it says. It is
// one of its own so that the show is filmed and seen by somebody who has nothing else to do.
//
//   node flooder.ts '{"port": 1935, "count": 200, "floodMs": 4000, "before": "BASE64", "bytes": "BASE64"}'
import { RtmpPeer } from '../support/rtmp-peer.ts';

export interface Flood {
  readonly port: number;
  readonly count: number;
  readonly floodMs: number;
  /** What each sends without end; base64. */
  readonly bytes: string;
  /** What each sends once, before; base64. */
  readonly before: string;
  /** The application; empty: no connect command, only the handshake. */
  readonly application: string;
}

/** So many come in at the same time; the rest waits. */
const ARRIVING = 50;
const PIECE_BYTES = 64 << 10;

const { port, count, floodMs, bytes, before, application } = JSON.parse(process.argv[2]!) as Flood;
RtmpPeer.patienceMs = 60_000;
const once = Buffer.from(before, 'base64');
const again = Buffer.from(bytes, 'base64');
const times = Math.max(1, Math.floor(PIECE_BYTES / again.length));
const piece = Buffer.concat(Array.from({ length: times }, () => again));

const peers: RtmpPeer[] = [];
async function arrive(): Promise<void> {
  while (peers.length < count) {
    const place = peers.length;
    peers.length += 1;
    const peer = await RtmpPeer.open(port);
    peers[place] = peer;
    if (application !== '') await peer.connect(application);
    if (once.length > 0) peer.socket.write(once);
  }
}
await Promise.all(Array.from({ length: ARRIVING }, arrive));
process.stdout.write('flooding\n');
for (const { socket } of peers) {
  socket.removeAllListeners('data').resume();
  const write = () => {
    while (socket.writable && socket.write(piece));
  };
  socket.on('drain', write);
  write();
}
setTimeout(() => process.exit(0), floodMs);
