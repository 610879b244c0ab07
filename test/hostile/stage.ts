// A server with a live stream and an application of good repute. Scripts that mean harm come on one after another; meanwhile
// every frame is counted, and somebody comes in next door all the time.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { video } from '../support/media.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { type LogRecord, type ServerOptions, startServer, type TestServer } from '../support/server.ts';

export interface Attack {
  readonly name: string;
  /** `main.asc`: plain ECMAScript in sloppy mode. */
  readonly script: string;
  /** It finds no way out, and says so by letting its client in. */
  readonly isHonest?: boolean;
  /** How long the client stays once it has been answered. */
  readonly stayMs?: number;
  /** What it does when it has come in. */
  provoke?(peer: RtmpPeer, stage: Stage): Promise<void>;
}

/** Attacks from outside (peers, other servers, who can write files) on one server that is set up for them. */
export interface Siege {
  readonly title: string;
  /** What the server needs besides the show and the neighbour. */
  readonly server?: Pick<ServerOptions, 'applications' | 'conf' | 'set' | 'args' | 'env'> & {
    /** How many files and sockets it may have open. */
    readonly maxOpenFiles?: number;
  };
  readonly attacks: readonly OutsideAttack[];
}

export interface OutsideAttack {
  readonly name: string;
  /** There is no room for a neighbour meanwhile. */
  readonly isCrowded?: boolean;
  /** How much resident memory the media process may have more meanwhile; `MAX_SIEGE_MB` by default. */
  readonly maxMb?: number;
  /** Attacks, and asserts what became of it. Ends all that it began. */
  run(stage: Stage): Promise<void>;
}

export interface Report extends Measured {
  /** What became of the client: `_result`, `_error`, or why it heard nothing. */
  fate: string;
}

/** How it went for the others. */
export interface Measured {
  /** The latest timer of the server's event loop, and the longest that it has computed in one go. */
  lateMs: number;
  busyMs: number;
  /** The longest that it took to come in next door. */
  neighbourMs: number;
  /** Processes that had to be started. */
  runnersStarted: number;
  framesMissing: number;
  /** The longest that the show paused, as its player saw it. */
  pauseMs: number;
  /** Resident memory that the media process had more at its peak. */
  grownMb: number;
  /** Lines `"kind":"bug"`. */
  bugs: number;
  /** What the machine below this one gave to others meanwhile, on all processors. */
  stolenMs: number;
}

export const GATE_DEADLINE_MS = 3000;
/** What the server may have in use more than before, when all is over: files of scripts that it has seen, statistics. */
export const MAX_GROWTH_MB = 32;
/** What an attack from outside may make the server have more while it lasts. */
export const MAX_SIEGE_MB = 256;
const FRAME_MS = 10;
const FRAME_BYTES = 9;
/** Between two comers next door. */
const NEIGHBOUR_MS = 20;

/** What scripts have, in seconds. */
export interface Patience {
  gate: number;
  turn: number;
  load: number;
  /** The good application's: how long its gate takes is measured, not limited. */
  good: { gate: number; turn: number };
}

/** For a suite that looks at the clock. Time is what a clock says: where the machine stands still, so does a turn. */
const SHORT: Patience = { gate: GATE_DEADLINE_MS / 1000, turn: 0.1, load: 0.5, good: { gate: 15, turn: 2 } };
/** For one that does not: nothing that is honest runs into a limit on a machine that is busy with other things. */
export const LONG: Patience = { gate: 15, turn: 2, load: 10, good: { gate: 120, turn: 60 } };

function settings({ gate, turn, load }: { gate: number; turn: number; load?: number }): string {
  return `<Application>
  <MaxAppIdleTime>60</MaxAppIdleTime>
  <JSEngine>
    <GateTimeOut>${gate}</GateTimeOut>
    <MaxTimeOut>${turn}</MaxTimeOut>
    ${load === undefined ? '' : `<LoadTimeOut>${load}</LoadTimeOut>`}
  </JSEngine>
</Application>`;
}

const REPOSITORY = join(import.meta.dirname, '..', '..');

export class Stage implements AsyncDisposable {
  readonly server: TestServer;
  readonly #publisher: RtmpPeer;
  readonly #player: RtmpPeer;
  readonly #streamId: number;
  readonly #camera: NodeJS.Timeout;
  #sent = 0;
  /** Of `player.heard`: how much has been looked at, and the number of the next frame. */
  #looked = 0;
  #nextFrame = 0;
  #count = 0;
  /** When the player had the latest frame, and the longest pause between two. */
  #frameAt = 0;
  #pauseMs = 0;

  static async open(
    patience = SHORT,
    { maxOpenFiles, ...more }: NonNullable<Siege['server']> = {},
  ): Promise<Stage> {
    const limit = maxOpenFiles === undefined ? '' : `ulimit -n ${maxOpenFiles}; `;
    const server = await startServer({
      command: [
        'sh',
        '-c',
        `${limit}exec "$0" "$@"`,
        process.execPath,
        '--expose-gc',
        '--import',
        join(import.meta.dirname, 'lag-monitor.ts'),
        join(REPOSITORY, 'src', 'main.ts'),
      ],
      ...more,
      applications: {
        ...more.applications,
        'live/': '',
        'good/main.asc': 'application.onConnect = function (client, n) { return n === 7; };',
        'good/Application.xml': settings(patience.good),
      },
      conf: { '_defaultRoot_/_defaultVHost_/Application.xml': settings(patience), ...more.conf },
    });
    const publisher = await RtmpPeer.open(server.port);
    const streamId = await publisher.publish('live', 'show');
    const player = await RtmpPeer.open(server.port);
    await player.play('live', 'show');
    return new Stage(server, publisher, player, streamId);
  }

  private constructor(server: TestServer, publisher: RtmpPeer, player: RtmpPeer, streamId: number) {
    this.server = server;
    this.#publisher = publisher;
    this.#player = player;
    this.#streamId = streamId;
    player.socket.on('data', () => this.#seen());
    publisher.video(streamId, 0, video.header());
    this.#camera = setInterval(() => this.#film(), FRAME_MS);
  }

  /** The player has heard something. */
  #seen(): void {
    if (frameNumber(this.#player.heard.at(-1)?.media) === undefined) return;
    const now = performance.now();
    if (this.#frameAt > 0) this.#pauseMs = Math.max(this.#pauseMs, now - this.#frameAt);
    this.#frameAt = now;
  }

  /** Each frame carries its number. */
  #film(): void {
    const payload = new Uint8Array(FRAME_BYTES);
    payload.set(this.#sent % 50 === 0 ? video.keyframe() : video.frame());
    new DataView(payload.buffer).setUint32(5, this.#sent);
    this.#publisher.video(this.#streamId, this.#sent * FRAME_MS, payload);
    this.#sent += 1;
  }

  /** What the server has in use, garbage apart. */
  async usedMb(): Promise<number> {
    const since = this.server.log.length;
    void this.server.signal('SIGUSR2');
    const { usedBytes } = await this.server.waitForLog(({ event }) => event === 'memory', undefined, since);
    return Number(usedBytes) / 2 ** 20;
  }

  async perform(attack: Attack): Promise<Report> {
    this.#count += 1;
    const application = `evil${this.#count}`;
    this.server.writeApp(`${application}/main.asc`, attack.script);
    try {
      return await this.#measured(() => this.#attack(application, attack));
    } finally {
      rmSync(join(this.server.root, 'applications', application), { recursive: true, force: true });
    }
  }

  async besiege({ run, isCrowded = false }: OutsideAttack): Promise<Measured> {
    const attack = async () => {
      await run(this);
      return '';
    };
    return await this.#measured(attack, isCrowded);
  }

  async #measured(attack: () => Promise<string>, isAlone = false): Promise<Report> {
    const rssMb = Number((await this.#nextLag()).rssMb);
    const since = this.server.log.length;
    const stolenBefore = stolenMs();
    this.#pauseMs = 0;
    const neighbour = isAlone ? undefined : new Neighbour(this.server.port);
    let fate: string;
    let neighbourMs = 0;
    try {
      fate = await attack();
    } finally {
      if (neighbour) neighbourMs = await neighbour.leave();
    }
    await this.#filmed();
    await this.#nextLag();
    const records = this.server.log.slice(since);
    return {
      fate,
      ...slowest(records),
      neighbourMs,
      runnersStarted: records.filter(({ event }) => event === 'runner').length,
      framesMissing: this.#missingFrames(),
      pauseMs: this.#pauseMs,
      grownMb: Math.max(0, ...records.map((record) => Number(record.rssMb ?? 0))) - rssMb,
      bugs: records.filter(({ kind }) => kind === 'bug').length,
      stolenMs: stolenMs() - stolenBefore,
    };
  }

  async #nextLag(): Promise<LogRecord> {
    return await this.server.waitForLog(({ event }) => event === 'lag', undefined, this.server.log.length);
  }

  /** So many clients more, who wait to be let in. */
  async crowd(size: number): Promise<void> {
    const waiting = Array.from({ length: size }, async () => {
      await using peer = await RtmpPeer.open(this.server.port);
      await peer.connect(`evil${this.#count}`);
    });
    await Promise.allSettled(waiting);
  }

  /** Another version of the script under attack. */
  rewrite(script: string): void {
    this.server.writeApp(`evil${this.#count}/main.asc`, script);
  }

  /** The same while nobody does any harm. */
  async calm(ms: number): Promise<{ lateMs: number; busyMs: number }> {
    const since = this.server.log.length;
    await sleep(ms);
    return slowest(this.server.log.slice(since));
  }

  async #attack(application: string, { provoke, stayMs = 0 }: Attack): Promise<string> {
    try {
      await using peer = await RtmpPeer.open(this.server.port);
      const { name } = await peer.connect(application);
      await provoke?.(peer, this);
      await sleep(stayMs);
      return name;
    } catch (error) {
      return (error as Error).message.slice(0, 60);
    }
  }

  /** Resolves when the player has what has been sent so far. */
  async #filmed(): Promise<void> {
    const last = this.#sent - 1;
    const isThere = ({ media }: { media?: Uint8Array }) => (frameNumber(media) ?? -1) >= last;
    if (!this.#player.heard.slice(this.#looked).some(isThere))
      await this.#player.expect('the last frame', isThere);
  }

  /** Of those since the last time: lost, repeated or out of order. */
  #missingFrames(): number {
    let missing = 0;
    for (const { media } of this.#player.heard.slice(this.#looked)) {
      const number = frameNumber(media);
      if (number === undefined) continue;
      missing += Math.abs(number - this.#nextFrame);
      this.#nextFrame = number + 1;
    }
    this.#looked = this.#player.heard.length;
    return missing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#camera);
    await this.#publisher[Symbol.asyncDispose]();
    await this.#player[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

/** Somebody who comes in next door again and again, and is let in each time. */
class Neighbour {
  readonly #port: number;
  readonly #done: Promise<void>;
  #hasToLeave = false;
  #longestMs = 0;

  constructor(port: number) {
    this.#port = port;
    this.#done = this.#comeAndGo();
    this.#done.catch(() => {}); // `leave` tells
  }

  /** How long it took, the longest time. */
  async leave(): Promise<number> {
    this.#hasToLeave = true;
    await this.#done;
    return this.#longestMs;
  }

  async #comeAndGo(): Promise<void> {
    do {
      const start = performance.now();
      await using peer = await RtmpPeer.open(this.#port);
      const { name, args } = await peer.connect('good', {}, 7);
      const ms = performance.now() - start;
      if (name !== '_result')
        throw new Error(`after ${ms.toFixed(0)} ms the neighbour was answered ${JSON.stringify(args)}`);
      this.#longestMs = Math.max(this.#longestMs, ms);
      await sleep(NEIGHBOUR_MS);
    } while (!this.#hasToLeave);
  }
}

function slowest(records: readonly LogRecord[]): { lateMs: number; busyMs: number } {
  const most = (key: string) => Math.max(0, ...records.map((record) => Number(record[key] ?? 0)));
  return { lateMs: most('lateMs'), busyMs: most('busyMs') };
}

/** Since the machine was started; in ticks of 10 ms. 0 where there is no /proc. */
function stolenMs(): number {
  try {
    return 10 * Number(/^cpu +(?:\d+ ){7}(\d+)/.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function frameNumber(media: Uint8Array | undefined): number | undefined {
  return media?.length === FRAME_BYTES
    ? new DataView(media.buffer, media.byteOffset).getUint32(5)
    : undefined;
}
