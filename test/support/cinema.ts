// A core whose recorded streams are files in a folder of its own.
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AmfValue } from '../../src/protocol/amf/amf.ts';
import { UserControlEvent } from '../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { StreamFolders } from '../../src/recording/read/folders.ts';
import { type GrowingFile, RecordedContainer } from '../../src/recording/read/growing.ts';
import { Keyframes } from '../../src/recording/read/keyframes.ts';
import { MediaLibrary } from '../../src/recording/read/library.ts';
import { FileRecorders, type FlushLimits } from '../../src/recording/write/recorder.ts';
import { Core, type CoreOptions, keepingLog, until } from './core.ts';
import type { FlvFrame } from './flv.ts';
import { ManualClock } from './manual-clock.ts';
import { type Heard, type RtmpPeer, statusOf } from './rtmp-peer.ts';

export class Cinema implements AsyncDisposable {
  readonly folder: string;
  readonly library: MediaLibrary;
  readonly core: Core;
  readonly log: Record<string, unknown>[];
  readonly tapes: Map<string, Tape>;

  private constructor(parts: Pick<Cinema, 'folder' | 'library' | 'core' | 'log' | 'tapes'>) {
    this.folder = parts.folder;
    this.library = parts.library;
    this.core = parts.core;
    this.log = parts.log;
    this.tapes = parts.tapes;
  }

  /** `flush`: there is a real recorder. */
  static async open(options: CoreOptions & { flush?: FlushLimits } = {}): Promise<Cinema> {
    const folder = mkdtempSync(join(tmpdir(), 'understudy-cinema-'));
    const { log, records } = keepingLog();
    const tapes = new Map<string, Tape>();
    const clock = new ManualClock();
    const { flush } = options;
    const folders = new StreamFolders(folder);
    const recorders =
      flush &&
      new FileRecorders({
        runFolder: join(folder, '.running'),
        finishesMp4: true,
        log,
        clock,
        flush,
      });
    const library = new MediaLibrary(
      folders,
      { find: (path) => tapes.get(path) ?? recorders?.find(path) },
      log,
    );
    const registry = { ...options.registry, recorded: library };
    const core = await Core.start({
      ...options,
      clock,
      registry,
      ...(recorders ? { recorders: recorders.in(folders) } : {}),
    });
    return new Cinema({ folder, library, log: records, tapes, core });
  }

  path(name: string): string {
    return join(this.folder, 'live', 'streams', '_definst_', name);
  }

  put(name: string, bytes: Uint8Array): void {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }

  /** A file that is being recorded: nothing of it is there yet but its header. */
  tape(name: string, film: { bytes: Buffer; frames: readonly FlvFrame[] }): Tape {
    const tape = new Tape(this.path(name), film);
    this.put(name, film.bytes.subarray(0, tape.flushedBytes));
    this.tapes.set(this.path(name), tape);
    return tape;
  }

  /** Connected, with a stream; `play` is said with these arguments. */
  async visitor(...args: AmfValue[]): Promise<Visitor> {
    const peer = await this.core.peer();
    await peer.connect('live');
    const visitor = new Visitor(this, peer, await peer.createStream());
    if (args.length > 0) visitor.say('play', ...args);
    return visitor;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.core.registry.instances].map((instance) => instance.stop()));
    await this.core[Symbol.asyncDispose]();
    await until('the files to be closed', () => this.library.openFiles === 0);
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true });
  }
}

/** Stands for the recorder. */
export class Tape implements GrowingFile {
  readonly path: string;
  readonly container = RecordedContainer.Flv;
  readonly keyframes = new Keyframes();
  readonly #film: { bytes: Buffer; frames: readonly FlvFrame[] };
  readonly #listeners = new Set<() => void>();
  isGrowing = true;
  flushedBytes = 13;
  flushedMs = 0;
  #frames = 0;

  constructor(path: string, film: { bytes: Buffer; frames: readonly FlvFrame[] }) {
    this.path = path;
    this.#film = film;
  }

  /** Everything up to that time is on the disk. */
  flush(ms: number): void {
    const { bytes, frames } = this.#film;
    for (; (frames[this.#frames]?.timestampMs ?? Number.POSITIVE_INFINITY) <= ms; this.#frames += 1) {
      const { kind, timestampMs, at } = frames[this.#frames]!;
      if (kind === 'key') this.keyframes.add(timestampMs, at);
      this.flushedMs = timestampMs;
    }
    const end = frames[this.#frames]?.at ?? bytes.length;
    appendFileSync(this.path, bytes.subarray(this.flushedBytes, end));
    this.flushedBytes = end;
    for (const call of this.#listeners) call();
  }

  end(): void {
    this.isGrowing = false;
    for (const call of this.#listeners) call();
  }

  onFlushed(call: () => void): () => void {
    this.#listeners.add(call);
    return () => this.#listeners.delete(call);
  }
}

export class Visitor {
  readonly core: Core;
  readonly peer: RtmpPeer;
  readonly id: number;
  readonly #library: MediaLibrary;

  constructor({ core, library }: Cinema, peer: RtmpPeer, id: number) {
    this.core = core;
    this.#library = library;
    this.peer = peer;
    this.id = id;
  }

  say(name: string, ...args: AmfValue[]): void {
    this.peer.command(name, 0, args, this.id);
  }

  buffer(bufferMs: number): void {
    const { SetBufferLength: event } = UserControlEvent;
    this.peer.control({ typeId: MessageType.UserControl, event, streamId: this.id, bufferMs });
  }

  /** What was said to have happened, in order: codes, names of data, user control, media left out. */
  events(from = 0): string[] {
    return this.peer.heard.slice(from).flatMap((heard) => nameOf(heard) ?? []);
  }

  /** Time, kind and last byte of what was heard, headers (0xee) left out. */
  media(from = 0): string[] {
    return this.#frames(from).map(
      ({ typeId, timestampMs, media }) =>
        `${timestampMs}${typeId === MessageType.Video ? 'v' : 'a'}${media!.at(-1)}`,
    );
  }

  times(from = 0): number[] {
    return this.#frames(from).map(({ timestampMs }) => timestampMs);
  }

  #frames(from: number): Heard[] {
    return this.peer.heard
      .slice(from)
      .filter(({ media, streamId }) => media && streamId === this.id && media.at(-1) !== 0xee);
  }

  get lastMs(): number {
    return this.times().at(-1) ?? -1;
  }

  /** Nothing more comes while our clock stands still. */
  async quiet(): Promise<void> {
    for (;;) {
      const before = this.peer.heard.length;
      for (let i = 0; i < 12 || this.#library.isReading; i += 1) await diskTurn();
      await this.peer.settle();
      if (this.peer.heard.length === before + 1) return; // the answer to our own question
    }
  }

  /** Time passes, step by step, as long as that is not so. */
  async until(what: string, holds: () => boolean, stepMs = 200): Promise<void> {
    for (let i = 0; i < 2_000 && !holds(); i += 1) {
      this.core.clock.advance(stepMs);
      for (let j = 0; j < 3; j += 1) await diskTurn();
    }
    await until(what, holds);
  }

  async untilEvent(name: string): Promise<void> {
    await this.until(name, () => this.events().includes(name));
  }

  async pass(ms: number): Promise<void> {
    await this.quiet();
    this.core.clock.advance(ms);
    await this.quiet();
  }
}

/** Whatever has been asked of the disk is there, and what follows from it has been asked. */
async function diskTurn(): Promise<void> {
  await stat(tmpdir());
  await new Promise((resolve) => setImmediate(resolve));
}

const CONTROL_NAMES = Object.fromEntries(Object.entries(UserControlEvent).map(([name, id]) => [id, name]));

function nameOf({ command, data, control, typeId }: Heard): string | undefined {
  const status = statusOf(command);
  if (status) return String(status.code).replace('NetStream.', '');
  if (data) return `data ${data.name}`;
  if (typeId !== MessageType.UserControl || !control || !('event' in control)) return undefined;
  return 'streamId' in control && control.streamId > 0 ? CONTROL_NAMES[control.event] : undefined;
}
