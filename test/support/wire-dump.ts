// Reads what src/adaptor/link/wire-dump.ts wrote, gzipped or not.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { WireDirection } from '../../src/adaptor/link/wire-dump.ts';
import { ByteReader } from '../../src/protocol/bytes.ts';

export interface WireRecord {
  /** Since the connection came in. */
  ms: number;
  direction: WireDirection;
  bytes: Uint8Array;
}

export function readWireDump(path: string): WireRecord[] {
  const file = readFileSync(path);
  const r = new ByteReader(path.endsWith('.gz') ? gunzipSync(file) : file);
  const records: WireRecord[] = [];
  while (r.remaining > 0) {
    const ms = r.u32();
    const direction = r.u8() === 0 ? WireDirection.FromClient : WireDirection.FromServer;
    records.push({ ms, direction, bytes: r.take(r.u32()) });
  }
  return records;
}

/** One side's bytes, in the pieces in which they were read or written. */
export function bytesOf(records: readonly WireRecord[], direction: WireDirection): Uint8Array[] {
  return records.filter((record) => record.direction === direction).map(({ bytes }) => bytes);
}
