// Numbers as Flash Media Server's methods name them.
import type { InstanceNumbers, NetStreamNumbers, Totals } from '../../application/instance/statistics.ts';
import type { AdminContext } from '../admin-context.ts';
import { formatTimestamp, type Value } from '../xml.ts';

export function messages(
  numbers: Pick<Totals, 'messagesIn' | 'messagesOut' | 'messagesDropped' | 'bytesIn' | 'bytesOut'>,
) {
  return {
    msg_in: numbers.messagesIn,
    msg_out: numbers.messagesOut,
    msg_dropped: numbers.messagesDropped,
    bytes_in: numbers.bytesIn,
    bytes_out: numbers.bytesOut,
  };
}

export function totals(numbers: Totals) {
  return {
    ...messages(numbers),
    accepted: numbers.accepted,
    rejected: numbers.rejected,
    connected: numbers.connected,
    total_connects: numbers.connects,
    total_disconnects: numbers.disconnects,
  };
}

/** Times in ms. Of an instance without a script: nothing has ever been asked. */
export function scriptStats({ script }: InstanceNumbers): Value {
  return {
    time_high_water_mark: Math.round(script?.longestAnswerMs ?? 0),
    queue_size: script?.open ?? 0,
    total_processed: script?.answered ?? 0,
    total_process_time: Math.round(script?.answerMs ?? 0),
    queue_high_water_mark: script?.mostOpen ?? 0,
  };
}

export function netStream(
  { stream, type, clientId, id, upMs }: NetStreamNumbers,
  context: AdminContext,
): { readonly [name: string]: Value } {
  return { name: stream ?? '', time: ago(upMs, context), type, client: clientId, stream_id: id };
}

/** When something began that has gone on for so long. */
export function ago(upMs: number, { nowMs }: AdminContext): string {
  return formatTimestamp(new Date(nowMs() - upMs));
}

export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
