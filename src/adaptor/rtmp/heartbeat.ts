// Whether a peer is still there: what it sends, what it takes, and pings when it does neither.
import type { Clock } from '../../clock.ts';
import { type ControlMessage, UserControlEvent } from '../../protocol/rtmp/control.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import type { Outbox } from '../link/outbox.ts';

export class Heartbeat {
  /** Of the last ping that was answered. */
  rttMs = 0;
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  /** When the last bytes came. */
  lastSeenAt: number;
  /** Pings that have not been answered. */
  #openPings = 0;
  #pingBytes = 0;
  #pingedAt = 0;
  /** Bytes that the peer had taken when it last took some. */
  #mostTaken = 0;
  #lastTookAt = 0;

  constructor(clock: Clock, outbox: Outbox) {
    this.#clock = clock;
    this.#outbox = outbox;
    this.lastSeenAt = clock.now();
  }

  /** Bytes came. */
  seen(): void {
    this.lastSeenAt = this.#clock.now();
  }

  /** Returns how many pongs have to come until the one that answers it. */
  ping(): number {
    this.#say({
      typeId: MessageType.UserControl,
      event: UserControlEvent.PingRequest,
      timestampMs: this.#clockMs,
    });
    this.#pingedAt = this.#clock.now();
    this.#openPings += 1;
    return this.#openPings;
  }

  /**
   * To a peer that nothing is read from: that its connection has gone shows when it is written to. An acknowledgement asks for
   * no answer.
   */
  knock(receivedBytes: number): void {
    this.#say({ typeId: MessageType.Acknowledgement, receivedBytes: receivedBytes >>> 0 });
  }

  #say(message: ControlMessage): void {
    const before = this.#outbox.bytesSent;
    this.#outbox.control(message);
    this.#pingBytes += this.#outbox.bytesSent - before;
  }

  /** False: nobody asked. */
  pong(sentMs: number): boolean {
    if (this.#openPings === 0) return false;
    this.#openPings -= 1;
    this.rttMs = (this.#clockMs - sentMs) >>> 0;
    return true;
  }

  /** Called now and then. False: there was no sign of life for so long. */
  check(now: number, idleTimeoutMs: number | undefined): boolean {
    // what we say here does not count: the system takes them for a peer that is long dead
    const taken = this.#outbox.progress - this.#pingBytes;
    if (taken > this.#mostTaken) {
      this.#mostTaken = taken;
      this.#lastTookAt = now;
    }
    if (idleTimeoutMs === undefined) return true;
    if (now - Math.max(this.lastSeenAt, this.#lastTookAt) >= idleTimeoutMs) return false;
    if (now - Math.max(this.lastSeenAt, this.#pingedAt) >= idleTimeoutMs / 3) this.ping();
    return true;
  }

  get #clockMs(): number {
    return Math.round(this.#clock.now()) >>> 0;
  }
}
