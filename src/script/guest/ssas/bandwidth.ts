// client.checkBandwidth, as Flash Media Server had it: the client is called with more and more to swallow, and told how fast it
// did that. (`onBWCheck` and `onBWDone`: fms-server.md §3.6.8.)

import {
  apply,
  define,
  now,
  repeat,
  round,
  WeakMapConstructor,
  weakMapGet,
  weakMapSet,
} from '../core/primordials.ts';
import { Client, stateOf } from './client.ts';

/** What it is called with, in characters: nothing at first, for the way there and back alone. */
const ROUNDS = [0, 8 << 10, 32 << 10, 128 << 10, 256 << 10];
/** A slower round says enough. */
const LONG_MS = 400;

const { call } = Client.prototype;
/** Being checked: one at a time. */
const busy = new WeakMapConstructor<object, boolean>();

/**
 * An ordinary method, not one of ours: clients may call it by its name, and a script may have one of its own. A client that
 * knows no `onBWCheck` is told nothing.
 */
export function defineBandwidthCheck(): void {
  define(Client.prototype, 'checkBandwidth', function checkBandwidth(this: Client): void {
    if (stateOf(this) === undefined || weakMapGet(busy, this) === true) return;
    weakMapSet(busy, this, true);
    probe(this, 0, 0);
  });
}

function probe(client: Client, index: number, latencyMs: number): void {
  const bytes = ROUNDS[index]!;
  const sinceMs = now();
  const onResult = (): void => {
    const tookMs = now() - sinceMs;
    const isEnough = index + 1 === ROUNDS.length || tookMs > LONG_MS;
    if (index === 0) probe(client, 1, tookMs);
    else if (!isEnough) probe(client, index + 1, latencyMs);
    else tell(client, (bytes * 8) / 1000, tookMs - latencyMs, latencyMs);
  };
  const onStatus = (): void => weakMapSet(busy, client, false);
  apply(call, client, ['onBWCheck', { onResult, onStatus }, repeat(' ', bytes)]);
}

/** kbit/s, and how they were found: kbit, seconds, and milliseconds there and back. */
function tell(client: Client, kilobits: number, tookMs: number, latencyMs: number): void {
  weakMapSet(busy, client, false);
  const seconds = (tookMs > 1 ? tookMs : 1) / 1000;
  apply(call, client, ['onBWDone', null, round(kilobits / seconds), kilobits, seconds, latencyMs]);
}
