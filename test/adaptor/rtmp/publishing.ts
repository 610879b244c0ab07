// What the tests of publishing share.
import type { AmfValue } from '../../../src/protocol/amf/amf.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { type Core, until } from '../../support/core.ts';
import type { RtmpPeer } from '../../support/rtmp-peer.ts';

/** Connected, with a stream, and `publish` said. */
export async function asking(
  core: Core,
  name: string,
  ...args: AmfValue[]
): Promise<{ peer: RtmpPeer; id: number }> {
  const peer = await core.peer();
  await peer.connect('live');
  const id = await peer.createStream();
  peer.command('publish', 0, [name, ...args], id);
  return { peer, id };
}

/** Publishing waits for the test's verdict. */
export function holdPublishes(core: Core): void {
  core.scripts.prepare = (script) => {
    script.decide = ({ gate }) => (gate === 'onPublish' ? undefined : { accepted: true });
  };
}

/** The marks of the video messages that a player has heard. */
export function marksOf(peer: RtmpPeer): (number | undefined)[] {
  return peer.heard.flatMap(({ media, typeId }) =>
    media && typeId === MessageType.Video ? [media.at(-1)] : [],
  );
}

export async function marks(peer: RtmpPeer, count: number): Promise<(number | undefined)[]> {
  await until(`${count} video messages`, () => marksOf(peer).length >= count);
  return marksOf(peer);
}
