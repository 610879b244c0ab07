// Memory for input that is not finished: half messages, media that a gate holds back, calls without an answer, answers that
// nobody reads. All connections share one budget, and those of one address a part of it.
//
// While no more than half is in use, nobody waits. From there on a connection may hold its part, and what goes beyond waits: the
// server stops reading it, and lets one after another finish its messages in the other half. A connection that holds others up
// without sending is closed, the one that holds the most first.

import { hostKey } from '../../application/pace/occupancy.ts';
import type { Clock } from '../../clock.ts';
import type { LimitName } from '../../log/limits.ts';

export interface InputLimits {
  /** Bytes of all connections. */
  readonly maxBytes: number;
  /** Of those from one address. */
  readonly maxBytesPerAddress: number;
  /** Addresses of many users: `maxBytesPerAddress` is not for them. */
  isShared(address: string): boolean;
  /** How long a connection may take to finish while others of its address wait for it. */
  readonly finishMs: number;
}

/** A connection, as far as the budget has to know it. */
export interface InputOwner {
  /** Memory that its unfinished messages will have taken in addition when they are whole. */
  readonly missingBytes: number;
  /** Grows with what its peer sends, and with what it reads. */
  readonly progress: number;
  /** The server does not read it, for another reason than the budget: it is not its peer that holds others up. */
  readonly isHeldByServer: boolean;
  /** Stop reading. */
  wait(limit: LimitName): void;
  proceed(): void;
  /** Close at once. `limit`: because of it. */
  evict(limit: LimitName, heldBytes: number): void;
}

/** What every connection of an address may hold in any case, as long as they are not too many. */
const SMALL_BYTES = 64 << 10;
/** Who has sent so much in whole messages has a part for pictures of that kind, which those who have not cannot use up. */
const PROVEN_BYTES = 1 << 20;
const TICK_MS = 250;
/** A connection that others wait for is too slow when it is slower than this in so many ticks in a row: 64 kB/s for a second. */
const SLOW_BYTES = 16 << 10;
const SLOW_TICKS = 4;

/** What connections hold together: those of an address, or all. */
class Pool {
  readonly maxBytes: number;
  heldBytes = 0;
  /** Of connections that have leave to finish: what they will hold in addition. */
  promisedBytes = 0;
  leaves = 0;
  /** Of its connections those that the server does not read. */
  waiting = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get isCalm(): boolean {
    return this.heldBytes <= this.maxBytes / 2;
  }
  get isFull(): boolean {
    return this.heldBytes > this.maxBytes;
  }

  /** One at a time may finish whatever it takes, or all would wait for each other. */
  hasRoom(bytes: number): boolean {
    return this.leaves === 0 || this.heldBytes + this.promisedBytes + bytes <= this.maxBytes;
  }
}

class Everybody extends Pool {
  /** Hosts that hold anything. */
  holders = 0;
}

class Host extends Pool {
  readonly accounts = new Set<InputAccount>();
  /** Accounts that hold anything, and the proven ones among them with what they hold. */
  holders = 0;
  provenHolders = 0;
  provenBytes = 0;

  /** What one of its connections may hold without leave: a share of an eighth for all of its kind. */
  partOf({ isProven }: InputAccount): number {
    const eighth = this.maxBytes / 8;
    return isProven && this.provenBytes <= 2 * eighth
      ? Math.max(SMALL_BYTES, eighth / this.provenHolders)
      : Math.min(SMALL_BYTES, eighth / this.holders);
  }
}

export class InputBudget {
  readonly #limits: InputLimits;
  readonly #clock: Clock;
  readonly #all: Everybody;
  readonly #hosts = new Map<string, Host>();
  /** In the order in which they began to wait. */
  readonly #waiting = new Set<InputAccount>();
  #stopTicking: (() => void) | undefined;
  #stopServing: (() => void) | undefined;

  constructor(limits: InputLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#all = new Everybody(limits.maxBytes);
  }

  /** Bytes of all connections. */
  get heldBytes(): number {
    return this.#all.heldBytes;
  }
  get waitingCount(): number {
    return this.#waiting.size;
  }
  /** Addresses with connections. */
  get hostCount(): number {
    return this.#hosts.size;
  }

  open(address: string, owner: InputOwner): InputAccount {
    const key = hostKey(address);
    let host = this.#hosts.get(key);
    if (!host) {
      const { maxBytes, maxBytesPerAddress } = this.#limits;
      host = new Host(this.#limits.isShared(address) ? maxBytes : Math.min(maxBytes, maxBytesPerAddress));
      this.#hosts.set(key, host);
    }
    const account = new InputAccount(owner, host, this.#all, {
      changed: (one) => this.#judge(one),
      closed: (one) => this.#closed(key, one),
    });
    host.accounts.add(account);
    return account;
  }

  #closed(key: string, account: InputAccount): void {
    const { host } = account;
    host.accounts.delete(account);
    if (host.accounts.size === 0) this.#hosts.delete(key);
    if (this.#waiting.delete(account)) this.#countWaiting(host, -1);
    this.#serveSoon();
  }

  #countWaiting(host: Host, one: 1 | -1): void {
    host.waiting += one;
    this.#all.waiting += one;
  }

  // ── who may go on ──────────────────────────────────────────────────────────────────────────────────────────────

  #judge(account: InputAccount): void {
    if (this.#limitAgainst(account) === undefined) this.#release(account);
    else if (!this.#waiting.has(account)) this.#grantOrWait(account);
    this.#serveSoon();
  }

  #release(account: InputAccount): void {
    if (!this.#waiting.delete(account)) return;
    this.#countWaiting(account.host, -1);
    account.watchFromNow();
    account.owner.proceed();
  }

  #grantOrWait(account: InputAccount): void {
    if (this.#grant(account)) return;
    this.#waiting.add(account);
    this.#countWaiting(account.host, 1);
    account.owner.wait(this.#limitAgainst(account)!);
    this.#tickWhileSomebodyWaits();
  }

  /** Undefined: it may hold what it holds. */
  #limitAgainst(account: InputAccount): LimitName | undefined {
    if (account.hasLeave) return undefined;
    const { host, heldBytes } = account;
    if (!host.isCalm && heldBytes > host.partOf(account)) return 'MaxInputSizePerAddress';
    return this.#isAmongTheHeaviest(host) && heldBytes > host.partOf(account) ? 'MaxInputSize' : undefined;
  }

  /** Of those hosts that all together hold too much. */
  #isAmongTheHeaviest({ heldBytes }: Host): boolean {
    const { isCalm, isFull, maxBytes, holders } = this.#all;
    return isFull || (!isCalm && heldBytes > maxBytes / 2 / holders);
  }

  /** What it holds is unfinished messages: to finish them frees nothing that waits for a script, and no unread answers. */
  #canFinish(account: InputAccount): boolean {
    return account.partialBytes > 0 && account.otherBytes <= account.host.partOf(account);
  }

  /** Leave to finish its messages, where that is what its memory is for and there is room for them. */
  #grant(account: InputAccount): boolean {
    if (!this.#canFinish(account)) return false;
    const { host, owner } = account;
    const { missingBytes } = owner;
    if (!host.hasRoom(missingBytes) || !this.#all.hasRoom(missingBytes)) return false;
    account.takeLeave(missingBytes);
    return true;
  }

  /** Memory is free again, or may be. Once for all that has happened at a time. */
  #serveSoon(): void {
    if (this.#waiting.size === 0 || this.#stopServing) return;
    this.#stopServing = this.#clock.soon(() => {
      this.#stopServing = undefined;
      this.#serve();
    });
  }

  #serve(): void {
    const full = new Set<Host>();
    for (const account of this.#waiting) {
      const { host } = account;
      if (this.#limitAgainst(account) === undefined) this.#release(account);
      else if (full.has(host)) continue;
      else if (this.#grant(account)) this.#release(account);
      else if (this.#canFinish(account)) full.add(host); // its others do not overtake this one
    }
    if (this.#waiting.size === 0) this.#stop();
  }

  // ── who holds others up ────────────────────────────────────────────────────────────────────────────────────────

  #tickWhileSomebodyWaits(): void {
    if (this.#stopTicking) return;
    for (const host of this.#hosts.values()) for (const account of host.accounts) account.watchFromNow();
    this.#tickOnce();
  }

  #tickOnce(): void {
    this.#stopTicking = this.#clock.after(TICK_MS, () => {
      this.#stopTicking = undefined;
      for (const host of this.#hosts.values()) for (const account of host.accounts) account.watch();
      this.#evictFromCrowdedHosts();
      this.#serve();
      // one that was closed may have begun to wait as it went
      if (this.#waiting.size > 0 && !this.#stopTicking) this.#tickOnce();
    });
  }

  #stop(): void {
    this.#stopTicking?.();
    this.#stopTicking = undefined;
  }

  #evictFromCrowdedHosts(): void {
    const hosts = new Set([...this.#waiting].map(({ host }) => host));
    for (const host of hosts) if (!host.isCalm) this.#evictFrom(host, 'MaxInputSizePerAddress', host);
    if (this.#all.isCalm || this.#waiting.size === 0) return;
    for (const host of [...this.#hosts.values()].sort((a, b) => b.heldBytes - a.heldBytes)) {
      if (this.#all.isCalm) return;
      this.#evictFrom(host, 'MaxInputSize', this.#all);
    }
  }

  /** Of those that hold others up the largest, until there is room again. */
  #evictFrom(host: Host, limit: LimitName, crowded: Pool): void {
    const guilty = [...host.accounts].filter((account) => this.#holdsUpOthers(account));
    for (const account of guilty.sort((a, b) => b.heldBytes - a.heldBytes)) {
      if (crowded.isCalm) return;
      account.owner.evict(limit, account.heldBytes);
    }
  }

  #holdsUpOthers(account: InputAccount): boolean {
    const { owner, host, unreadBytes, partialBytes } = account;
    if (account.leaveTicks * TICK_MS >= this.#limits.finishMs) return true;
    if (owner.isHeldByServer || account.slowTicks < SLOW_TICKS) return false;
    // what its peer has to read, and to send if the server reads it
    const isUpToPeer = unreadBytes + (this.#waiting.has(account) ? 0 : partialBytes);
    return isUpToPeer > host.partOf(account);
  }
}

interface AccountEvents {
  /** What it holds, while memory is scarce or somebody waits. */
  changed(account: InputAccount): void;
  closed(account: InputAccount): void;
}

/** What one connection holds. */
export class InputAccount {
  readonly owner: InputOwner;
  readonly host: Host;
  readonly #all: Everybody;
  readonly #events: AccountEvents;
  /** Of unfinished messages. */
  partialBytes = 0;
  /** Of whole ones that wait for a verdict or an answer. */
  keptBytes = 0;
  /** Of answers that its peer has not read. */
  unreadBytes = 0;
  isProven = false;
  /** Bytes that it may still take; undefined: it has no leave to finish. */
  #promised: number | undefined;
  /** Ticks during which it was slow, and during which it had its leave, while others of its host waited. */
  slowTicks = 0;
  leaveTicks = 0;
  #watched = 0;
  #isClosed = false;

  constructor(owner: InputOwner, host: Host, all: Everybody, events: AccountEvents) {
    this.owner = owner;
    this.host = host;
    this.#all = all;
    this.#events = events;
  }

  get heldBytes(): number {
    return this.partialBytes + this.keptBytes + this.unreadBytes;
  }
  get otherBytes(): number {
    return this.keptBytes + this.unreadBytes;
  }
  get hasLeave(): boolean {
    return this.#promised !== undefined;
  }

  /** Whether it may hold so much more without waiting. */
  hasRoomFor(bytes: number): boolean {
    const { host } = this;
    return (host.isCalm && this.#all.isCalm) || this.heldBytes + bytes <= host.partOf(this);
  }

  /** After each read: memory of its unfinished messages now, and what has come in whole ones so far. */
  received(partialBytes: number, finishedBytes: number): void {
    if (this.#isClosed) return; // by what was read just now
    if (!this.isProven && finishedBytes >= PROVEN_BYTES) this.#prove();
    const more = partialBytes - this.partialBytes;
    if (more === 0) return;
    const before = this.heldBytes;
    this.partialBytes = partialBytes;
    this.#changed(before, more);
  }

  /** `more` bytes wait for a verdict or an answer; negative: fewer. */
  keep(more: number): void {
    const before = this.heldBytes;
    this.keptBytes += more;
    if (more !== 0) this.#changed(before, more);
  }

  unread(bytes: number): void {
    const before = this.heldBytes;
    const more = bytes - this.unreadBytes;
    this.unreadBytes = bytes;
    if (more !== 0) this.#changed(before, more);
  }

  #prove(): void {
    this.isProven = true;
    this.host.provenBytes += this.heldBytes;
    if (this.heldBytes > 0) this.host.provenHolders += 1;
  }

  #changed(before: number, more: number): void {
    if (this.#isClosed) return;
    const { host } = this;
    this.#add(more);
    if (before === 0) this.#countHolder(1);
    else if (before + more === 0) this.#countHolder(-1);
    if (this.#promised !== undefined) this.#use(more);
    if (!host.isCalm || !this.#all.isCalm || this.#all.waiting > 0) this.#events.changed(this);
  }

  #add(more: number): void {
    this.host.heldBytes += more;
    this.#all.heldBytes += more;
    if (this.isProven) this.host.provenBytes += more;
  }

  #countHolder(one: 1 | -1): void {
    const { host } = this;
    if (host.holders === 0) this.#all.holders += 1;
    host.holders += one;
    if (host.holders === 0) this.#all.holders -= 1;
    if (this.isProven) host.provenHolders += one;
  }

  // ── leave to finish ────────────────────────────────────────────────────────────────────────────────────────────

  takeLeave(bytes: number): void {
    this.#promised = bytes;
    this.leaveTicks = 0;
    for (const pool of [this.host, this.#all]) {
      pool.leaves += 1;
      pool.promisedBytes += bytes;
    }
  }

  /** It ends when a message is finished, or another one has taken what was promised for it. */
  #use(more: number): void {
    const promised = this.#promised!;
    if (more < 0 || more > promised) this.#dropLeave();
    else {
      this.#promised = promised - more;
      for (const pool of [this.host, this.#all]) pool.promisedBytes -= more;
    }
  }

  #dropLeave(): void {
    if (this.#promised === undefined) return;
    for (const pool of [this.host, this.#all]) {
      pool.leaves -= 1;
      pool.promisedBytes -= this.#promised;
    }
    this.#promised = undefined;
    this.leaveTicks = 0;
  }

  // ── while others wait ──────────────────────────────────────────────────────────────────────────────────────────

  watchFromNow(): void {
    this.slowTicks = 0;
    this.leaveTicks = 0;
    this.#watched = this.owner.progress;
  }

  watch(): void {
    const { progress } = this.owner;
    this.slowTicks = progress - this.#watched < SLOW_BYTES ? this.slowTicks + 1 : 0;
    this.#watched = progress;
    this.leaveTicks = this.hasLeave && this.host.waiting > 0 ? this.leaveTicks + 1 : 0;
  }

  /** Its memory is free. May be called twice. */
  close(): void {
    if (this.#isClosed) return;
    const held = this.heldBytes;
    this.#dropLeave();
    this.#add(-held);
    if (held > 0) this.#countHolder(-1);
    this.#isClosed = true;
    this.#events.closed(this);
  }
}
