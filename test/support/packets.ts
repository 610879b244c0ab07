// Recordings compared packet for packet, as ffprobe sees them.
import assert from 'node:assert/strict';
import { type Packet, probePackets } from './ffmpeg.ts';

/** Everything that two recordings of one stream must agree on, in order; audio and video of one moment may swap places. */
export function packetsOf(packets: readonly Packet[], type: Packet['codecType']): string[] {
  return packets
    .filter(({ codecType }) => codecType === type)
    .map(({ pts, dts, size, hash }) => `${pts} ${dts} ${size} ${hash}`);
}

export function assertSamePackets(played: readonly Packet[], published: readonly Packet[]): void {
  for (const type of ['video', 'audio'] as const) {
    assert.deepEqual(packetsOf(played, type), packetsOf(published, type));
  }
}

/** Audio and video each a gapless end of what was published. */
export function assertEndOf(played: readonly Packet[], published: readonly Packet[]): void {
  for (const type of ['video', 'audio'] as const) {
    const got = packetsOf(played, type);
    assert.ok(got.length > 0, `no ${type}`);
    assert.deepEqual(got, packetsOf(published, type).slice(-got.length));
  }
}

/** The file has the pictures of the clip from its first on, and so many at least. `said`: by whoever wrote it. */
export async function assertBeginsLike(
  clip: string,
  file: string,
  pictures: number,
  said: unknown = '',
): Promise<void> {
  const played = packetsOf(await probePackets(file), 'video');
  assert.ok(played.length >= pictures, `${file}: ${played.length} pictures of ${pictures}; ${said}`);
  assert.deepEqual(played, packetsOf(await probePackets(clip), 'video').slice(0, played.length));
}
