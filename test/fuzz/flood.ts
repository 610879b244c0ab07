// Much of something that costs its sender next to nothing.
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { basicHeader } from '../support/chunk-encoder.ts';
import type { Choices } from './choices.ts';
import type { FuzzPeer } from './fuzz-peer.ts';

/** What a socket delivers at once. Whoever pauses it still has to take this. */
const READ_BYTES = 64 << 10;

const FLOODS: readonly ((peer: FuzzPeer) => void)[] = [
  /** Empty messages: one byte each, once the first has said what they are. */
  (peer) => {
    peer.message({ typeId: MessageType.Audio, streamId: 1, timestampMs: 0, payload: new Uint8Array(0) }, 4);
    for (let i = 0; i < 4 && !peer.isBlocked; i += 1)
      peer.raw(new Uint8Array(READ_BYTES).fill(basicHeader(3, 4)[0]!));
  },
  /** Data frames that every later player shall be given. */
  (peer) => {
    for (let i = 0; i < 5000 && !peer.isBlocked; i += 1) {
      peer.data('@setDataFrame', [`name ${i}`, 'x'.repeat(4000)], 1, 0);
    }
  },
  /** Commands with answers longer than themselves. */
  (peer) => {
    for (let i = 0; i < 8000 && !peer.isBlocked; i += 1) peer.command('FCPublish', ['n'.repeat(1000)]);
  },
  (peer) => {
    for (let i = 0; i < 2000 && !peer.isBlocked; i += 1) peer.command('createStream', []);
  },
  /** Names to wait for. */
  (peer) => {
    for (let i = 0; i < 2000 && !peer.isBlocked; i += 1) peer.command('play', [`name ${i}`], 1);
  },
  (peer) => {
    for (let i = 0; i < 2000 && !peer.isBlocked; i += 1) peer.command('publish', [`name ${i}`], 1);
  },
  /** A group of pictures that has no end. */
  (peer) => {
    const send = (payload: Uint8Array) =>
      peer.message({ typeId: MessageType.Video, streamId: 1, timestampMs: 0, payload }, 6);
    send(Uint8Array.of(0x17, 1, 0, 0, 0));
    for (let i = 0; i < 30_000 && !peer.isBlocked; i += 1) send(new Uint8Array(0));
  },
  /** Calls that the script may leave unanswered. */
  (peer) => {
    for (let i = 0; i < 3000 && !peer.isBlocked; i += 1) peer.command('anything', ['x'.repeat(500)]);
  },
  /** Messages that are begun and never ended. */
  (peer) => {
    const payload = new Uint8Array(2000);
    for (let csid = 10; csid < 500 && !peer.isBlocked; csid += 1) {
      peer.half({ typeId: MessageType.Video, streamId: 1, timestampMs: 0, payload }, csid);
    }
  },
];

export function flood(peer: FuzzPeer, choices: Choices): void {
  peer.setChunkSize(4096); // who sends much does not send it byte by byte
  if (choices.oneIn(2)) peer.socket.stall();
  choices.pick(FLOODS)(peer);
}
