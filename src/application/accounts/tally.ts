// What an instance, an application or the server has counted. Nothing here is on the media path: bytes and messages of those
// who are connected are counted by their sessions, and summed when somebody asks.
import type { ClientStats } from '../contract/script.ts';

/** Since the beginning of whatever it belongs to. Bytes are all that went over the wire, handshake and commands included. */
export interface Traffic {
  bytesIn: number;
  bytesOut: number;
  messagesIn: number;
  messagesOut: number;
  /** Messages of streams that slow players were not sent. */
  messagesDropped: number;
}

export class Tally {
  /** Whoever has asked to come in, decided or not. */
  connects = 0;
  accepted = 0;
  rejected = 0;
  /** Those who were refused included: they have gone as well. */
  disconnects = 0;
  /** Of those who have gone; what they are sent while they go is missing. */
  readonly gone: Traffic = noTraffic();

  left(stats: ClientStats): void {
    this.disconnects += 1;
    addTraffic(this.gone, trafficOf(stats));
  }

  add(other: Tally): void {
    this.connects += other.connects;
    this.accepted += other.accepted;
    this.rejected += other.rejected;
    this.disconnects += other.disconnects;
    addTraffic(this.gone, other.gone);
  }
}

export function noTraffic(): Traffic {
  return { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0, messagesDropped: 0 };
}

export function trafficOf(stats: ClientStats): Traffic {
  return {
    bytesIn: stats.bytes_in,
    bytesOut: stats.bytes_out,
    messagesIn: stats.msg_in,
    messagesOut: stats.msg_out,
    messagesDropped: stats.msg_dropped,
  };
}

export function addTraffic(sum: Traffic, more: Traffic): void {
  sum.bytesIn += more.bytesIn;
  sum.bytesOut += more.bytesOut;
  sum.messagesIn += more.messagesIn;
  sum.messagesOut += more.messagesOut;
  sum.messagesDropped += more.messagesDropped;
}
