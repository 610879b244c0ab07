// What one message stream plays: one entry after the other, and one in another one's place (NetStream.play and play2).
import { AccessStatus } from '../../log/access-status.ts';
import type { TransitionFacts } from '../accounts/journal.ts';
import type { Client } from '../contract/client.ts';
import type { Place, RecordedStream } from '../contract/recorded.ts';
import type { Refusal } from '../contract/refusal.ts';
import type { PlayRequest } from '../contract/script.ts';
import { type Playback, PlaybackState, type PlayerPort } from './playback.ts';
import { type Playing, playFailed } from './playing.ts';

export const TRANSITIONS = ['append', 'appendAndWait', 'reset', 'resume', 'stop', 'swap', 'switch'] as const;
export type Transition = (typeof TRANSITIONS)[number];

export interface Play2Request extends PlayRequest {
  transition: Transition;
  /** Undefined: what is played now. */
  oldName: string | undefined;
  /** Time of the stream at which to switch. Undefined: as soon as possible. */
  offsetMs: number | undefined;
}

export interface PlaylistOptions {
  playing: Playing;
  client: Client;
  /** What a player is told, it is told under the name that it asked for. */
  portFor(request: PlayRequest): PlayerPort;
}

/** Entries that wait; each may be a question to the script. */
const MAX_ENTRIES = 1_000;
/** Streams whose times differ by no more than this are one programme in several qualities. */
const SYNCHRONOUS_BACK_MS = 500;
const SYNCHRONOUS_AHEAD_MS = 10_000;

export class Playlist {
  readonly #options: PlaylistOptions;
  #upcoming: PlayRequest[] = [];
  #current: Playback | undefined;
  /** Takes the place of the current one as soon as there is a point for it. */
  #incoming: Playback | undefined;
  #cancelIncoming: (() => void) | undefined;
  #bufferMs = 0;
  /** Of what was sent last, on the wire; undefined: time begins anew. */
  #sentMs: number | undefined;

  constructor(options: PlaylistOptions) {
    this.#options = options;
  }

  /** User control Set Buffer Length. */
  set bufferMs(ms: number) {
    this.#bufferMs = ms;
    if (this.#current?.file) this.#current.file.bufferMs = ms;
  }

  /** NetStream.play. Without `reset` behind what is there. */
  play(request: PlayRequest): void {
    if (request.reset) this.close();
    const isBusy = this.#isBusy;
    if (isBusy || this.#upcoming.length > 0) this.#append(request);
    if (!isBusy) this.#begin(this.#upcoming.shift() ?? request);
  }

  /** Something is played, was played to its end, or waits. */
  get isOpen(): boolean {
    return this.#current !== undefined || this.#upcoming.length > 0;
  }

  get #isBusy(): boolean {
    return this.#current !== undefined && this.#current.state !== PlaybackState.Finished;
  }

  #append(request: PlayRequest): void {
    if (this.#upcoming.length < MAX_ENTRIES) this.#upcoming.push(request);
    else this.refuse(request, playFailed('playlist', 'The playlist is full.', AccessStatus.Conflict));
  }

  /** It cannot be meant, or has no place here. */
  refuse(request: PlayRequest, refusal: Refusal): void {
    const { playing, client, portFor } = this.#options;
    playing.refuseRequest(client, request, portFor(request), refusal);
  }

  #begin(request: PlayRequest): void {
    const { playing, client } = this.#options;
    if (this.#current) playing.stop(this.#current, AccessStatus.Ok); // one that has come to its end
    const playback: Playback = playing.ask(client, request, this.#options.portFor(request), {
      refused: () => this.#over(playback),
      ready: () => void this.#beginReady(playback),
      hasNext: () => this.#upcoming.length > 0,
      done: () => this.#over(playback),
    });
    this.#current = playback;
    playing.open(playback);
  }

  /** Behind others its times go on where theirs stopped. */
  async #beginReady(playback: Playback): Promise<void> {
    const { playing } = this.#options;
    const bufferMs = this.#bufferMs;
    const behindMs = this.#sentMs;
    if (behindMs === undefined) playing.begin(playback, { bufferMs }, true);
    else {
      const { recorded, request } = playback;
      const fromMs = Math.max(0, request.start) * 1000;
      const place = recorded && (await this.#placeOf(playback, () => recorded.keyframeBefore(fromMs)));
      if (playback.state !== PlaybackState.Ready) return;
      const offsetMs = behindMs + 1 - (place?.timeMs ?? fromMs);
      playing.begin(playback, { bufferMs, offsetMs, place }, true, {
        begins: (timestampMs) => (behindMs + 1 - timestampMs) | 0,
      });
    }
  }

  /** It was refused or has come to its end: the next one's turn. */
  #over(playback: Playback): void {
    if (playback !== this.#current) return;
    this.#current = undefined;
    if (playback.sentMs > 0) this.#sentMs = playback.sentMs;
    const why = 'What it was to take the place of has ended.';
    this.#dropIncoming(playFailed('playlist', why, AccessStatus.Conflict));
    const next = this.#upcoming.shift();
    if (next) this.#begin(next);
  }

  // ── play2 ──────────────────────────────────────────────────────────────────────────────────────────────────────

  play2(request: Play2Request): void {
    switch (request.transition) {
      case 'reset':
        this.play({ ...request, reset: true });
        return;
      case 'append':
        this.play({ ...request, reset: false });
        return;
      case 'appendAndWait':
        this.#append({ ...request, reset: false });
        return;
      case 'resume':
        this.#resume(request);
        return;
      case 'stop':
        this.#drop(request);
        return;
      case 'swap':
      case 'switch':
        this.#replace(request);
    }
  }

  /** From where the connection before was cut off. */
  #resume(request: Play2Request): void {
    const { offsetMs } = request;
    this.close();
    const start = offsetMs === undefined ? request.start : offsetMs / 1000;
    this.#begin({ ...request, start, reset: false });
  }

  #drop({ name }: Play2Request): void {
    const at = this.#upcoming.findIndex((one) => one.name === name);
    if (this.#current && this.#current.request.name === name && this.#isBusy) {
      const { port } = this.#current;
      const stopped = this.#current;
      this.#options.playing.stop(stopped, AccessStatus.Ok);
      port.stopped();
      this.#over(stopped);
    } else if (at >= 0) this.#upcoming.splice(at, 1);
  }

  #replace(request: Play2Request): void {
    const current = this.#current;
    const oldName = request.oldName ?? current?.request.name;
    if (!current || (!this.#isBusy && this.#upcoming.length === 0)) {
      this.#begin({ ...request, reset: false });
      return;
    }
    if (current.request.name === oldName && current.state === PlaybackState.Playing) {
      this.#switchFrom(current, request);
      return;
    }
    const at = this.#upcoming.findIndex((one) => one.name === oldName);
    if (at >= 0) this.#upcoming[at] = { ...request, reset: false };
    else {
      const reason = 'The stream to be replaced is not in the playlist.';
      const description = `${oldName} is not in the playlist.`;
      this.refuse(request, playFailed('playlist', description, AccessStatus.NotFound, reason));
    }
  }

  #switchFrom(current: Playback, request: Play2Request): void {
    const { playing, client } = this.#options;
    this.#dropIncoming(playFailed('playlist', 'Another switch takes its place.', AccessStatus.Conflict));
    const incoming: Playback = playing.ask(client, request, this.#options.portFor(request), {
      refused: () => this.#forgetIncoming(incoming),
      ready: () => void this.#prepare(current, incoming, request),
      hasNext: () => this.#upcoming.length > 0,
      done: () => this.#over(incoming),
    });
    const { name: from, query: fromQuery } = current.request;
    const offsetS = request.offsetMs === undefined ? undefined : request.offsetMs / 1000;
    incoming.transition = { from, fromQuery, mode: request.transition, offsetS } satisfies TransitionFacts;
    this.#incoming = incoming;
    playing.open(incoming);
  }

  #forgetIncoming(incoming: Playback): void {
    if (this.#incoming !== incoming) return;
    this.#cancelIncoming?.();
    this.#cancelIncoming = undefined;
    this.#incoming = undefined;
  }

  #dropIncoming(why: Refusal | undefined): void {
    const incoming = this.#incoming;
    if (!incoming) return;
    this.#forgetIncoming(incoming);
    this.#options.playing.stop(incoming, AccessStatus.Ok);
    if (why !== undefined) this.#options.playing.turnDown(incoming, why);
  }

  /** It is known what the new one is. The old one goes on until the point of the switch. */
  async #prepare(current: Playback, incoming: Playback, request: Play2Request): Promise<void> {
    const { playing } = this.#options;
    if (!incoming.recorded && !playing.isLive(incoming)) {
      const reason = 'There is no stream of that name.';
      const description = `Failed to play ${request.name}; stream not found.`;
      this.#dropIncoming(playFailed('not-found', description, AccessStatus.NotFound, reason));
      return;
    }
    incoming.port.transition(false);
    if (!incoming.recorded) this.#awaitLiveKeyframe(current, incoming);
    else if (current.file && request.start < 0) {
      await this.#meet(current, incoming, incoming.recorded, request.offsetMs);
    } else await this.#cut(current, incoming, Math.max(0, request.start) * 1000, false);
  }

  /** Live: the next keyframe is the point. */
  #awaitLiveKeyframe(current: Playback, incoming: Playback): void {
    const { playing } = this.#options;
    const start = { bufferMs: this.#bufferMs };
    playing.begin(incoming, start, false, {
      waitsForKeyframe: true,
      begins: (timestampMs) => {
        const offsetMs = offsetBehind(current, timestampMs);
        this.#takePlace(current, incoming);
        playing.began(incoming);
        return offsetMs;
      },
    });
    this.#cancelIncoming = playing.clock.after(playing.settings.streamManager.maxSwitchTimeMs, () => {
      incoming.port.transition(true);
      if (incoming.viewer) incoming.stream?.startNow(incoming.viewer);
    });
  }

  /** Recorded, in place of recorded: both have the same clock, and the old one goes on until a keyframe of the new one. */
  async #meet(
    current: Playback,
    incoming: Playback,
    recorded: RecordedStream,
    offsetMs: number | undefined,
  ): Promise<void> {
    const { playing } = this.#options;
    const file = current.file!;
    const fromMs = offsetMs === undefined ? file.positionMs : Math.max(0, offsetMs - file.offsetMs);
    const place = await this.#placeOf(incoming, () => recorded.keyframeFrom(fromMs));
    if (incoming.state !== PlaybackState.Ready || this.#incoming !== incoming) return;
    if (place) {
      const switchOver = () => {
        this.#takePlace(current, incoming);
        playing.begin(incoming, { bufferMs: this.#bufferMs, offsetMs: file.offsetMs, place }, false);
      };
      if (place.timeMs <= file.positionMs) switchOver();
      else this.#cancelIncoming = file.handOver(place.timeMs, switchOver);
      return;
    }
    if (!recorded.isGrowing) {
      await this.#cut(current, incoming, fromMs, true);
      return;
    }
    const forget = recorded.onGrown(() => {
      this.#stopWaiting();
      void this.#meet(current, incoming, recorded, offsetMs);
    });
    const { maxSwitchTimeMs: maxSwitchMs } = playing.settings.streamManager;
    const cancel = playing.clock.after(maxSwitchMs, () => {
      this.#stopWaiting();
      void this.#cut(current, incoming, fromMs, true);
    });
    this.#cancelIncoming = () => {
      forget();
      cancel();
    };
  }

  #stopWaiting(): void {
    this.#cancelIncoming?.();
    this.#cancelIncoming = undefined;
  }

  /** Recorded, and there is no point that both have: from the keyframe at or before a time of its own. */
  async #cut(current: Playback, incoming: Playback, fromMs: number, isForced: boolean): Promise<void> {
    const { recorded } = incoming;
    const place = recorded && (await this.#placeOf(incoming, () => recorded.keyframeBefore(fromMs)));
    if (incoming.state !== PlaybackState.Ready || this.#incoming !== incoming) return;
    if (!place) {
      this.#dropIncoming(playFailed('not-found', 'There is nothing in it yet.', AccessStatus.NotFound));
      return;
    }
    if (isForced) incoming.port.transition(true);
    const offsetMs = current.sentMs + 1 - place.timeMs;
    this.#takePlace(current, incoming);
    this.#options.playing.begin(incoming, { bufferMs: this.#bufferMs, offsetMs, place }, false);
  }

  #takePlace(current: Playback, incoming: Playback): void {
    this.#forgetIncoming(incoming);
    this.#current = incoming;
    this.#options.playing.stop(current, AccessStatus.Ok);
    incoming.port.transitionComplete();
  }

  /** A file that cannot be read is refused. */
  async #placeOf(playback: Playback, find: () => Promise<Place | undefined>): Promise<Place | undefined> {
    try {
      return await find();
    } catch (error) {
      this.#options.playing.failed(playback, error);
      return undefined;
    }
  }

  // ── while it plays ─────────────────────────────────────────────────────────────────────────────────────────────

  /** `ms`: where the player is; undefined: it keeps what it was sent. */
  pause(isPaused: boolean, ms: number | undefined): void {
    if (this.#current) this.#options.playing.pause(this.#current, isPaused, ms);
  }

  /** False: there is nothing that could be sought in. */
  seek(ms: number): boolean {
    if (!this.#current?.isUnderWay) return false;
    this.#dropIncoming(playFailed('playlist', 'The player seeks.', AccessStatus.Conflict));
    this.#options.playing.seek(this.#current, ms);
    return true;
  }

  receive(wants: { audio?: boolean; video?: boolean }): void {
    if (this.#current) this.#options.playing.receive(this.#current, wants);
  }

  /** Ends what is played, and forgets what was to follow. */
  close(status: AccessStatus = AccessStatus.Ok): void {
    this.#upcoming = [];
    this.#sentMs = undefined;
    this.#dropIncoming(undefined);
    const current = this.#current;
    this.#current = undefined;
    if (!current) return;
    const { state } = current;
    this.#options.playing.stop(current, status);
    if (state === PlaybackState.Playing) current.port.stopped();
  }
}

/** What brings the new live stream's time behind what was sent, if it is not the same programme in another quality. */
function offsetBehind(current: Playback, timestampMs: number): number {
  const { sentMs, offsetMs } = current;
  const ahead = (timestampMs + offsetMs - sentMs) | 0;
  const isSynchronous = ahead >= -SYNCHRONOUS_BACK_MS && ahead <= SYNCHRONOUS_AHEAD_MS;
  return isSynchronous ? offsetMs : (sentMs + 1 - timestampMs) | 0;
}
