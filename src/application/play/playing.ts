// How a play request becomes a viewer of a stream, live, recorded or still to come, and ends again.

import type { Clock } from '../../clock.ts';
import type { ApplicationRows } from '../../config/schema/application.ts';
import { CodedError } from '../../errors.ts';
import { AccessStatus } from '../../log/access-status.ts';
import { canonicalStreamName, splitPrefix, withoutPrefix } from '../../protocol/rtmp/stream-prefix.ts';
import type { InstanceJournal } from '../accounts/journal.ts';
import { accessCovers } from '../admission/access.ts';
import type { Client } from '../contract/client.ts';
import type { Place, RecordedStream, RecordedStreams } from '../contract/recorded.ts';
import type { Refusal } from '../contract/refusal.ts';
import type { InstanceScript, PlayRequest, Verdict } from '../contract/script.ts';
import type { Stream } from '../live/stream.ts';
import type { ViewerPlan } from '../live/viewer.ts';
import { LatestOnly } from '../pace/latest-only.ts';
import type { Turns } from '../pace/turns.ts';
import type { StreamTable } from '../publish/stream-table.ts';
import { FilePlayer } from './file-player.ts';
import { Playback, type PlaybackEvents, PlaybackState, type PlayerPort } from './playback.ts';

/** Of Application.xml. */
export type PlaySettings = Pick<ApplicationRows, 'streamManager' | 'client'>;

/** Seeks a second in one file, and at once. A slider that is drawn sends some twenty; each is a place looked up and sent from. */
const SEEKS = { rate: 20, burst: 10 };

/** After so long the log names the stream that a player waits for and nobody publishes. */
const PATIENCE_MS = 10_000;

export interface PlayingOptions {
  application: string;
  instance: string;
  clock: Clock;
  turns: Turns;
  streams: StreamTable;
  /** Undefined: nothing is recorded here. */
  recorded: RecordedStreams | undefined;
  chunkBytes: number;
  /** As they are at the moment. */
  settings(): PlaySettings;
  script: () => InstanceScript | undefined;
  /** A publisher's name for what has another one: a secret of two. */
  isKey(name: string): boolean;
  journal: InstanceJournal | undefined;
}

/** How a recorded stream begins. */
export interface FileStart {
  bufferMs: number;
  /** Added to its times. Undefined: time begins with what was asked for. */
  offsetMs?: number | undefined;
  /** Undefined: where the request says. */
  place?: Place | undefined;
}

export class Playing {
  readonly #options: PlayingOptions;
  /** Of each live stream, its publisher there or not: those that count for `MaxPlayers`. */
  readonly #players = new Map<string, Set<Playback>>();
  /** What each client plays, decided or not. */
  readonly #ofClient = new Map<Client, Set<Playback>>();

  constructor(options: PlayingOptions) {
    this.#options = options;
  }

  get settings(): PlaySettings {
    return this.#options.settings();
  }
  get clock(): Clock {
    return this.#options.clock;
  }

  // ── from the question to the stream ────────────────────────────────────────────────────────────────────────────

  /** `events.ready` follows, and whoever asked begins it; or `events.refused`. */
  ask(client: Client, request: PlayRequest, port: PlayerPort, events: PlaybackEvents): Playback {
    const playback = new Playback(client, request, port, events);
    this.#remember(client, playback);
    return playback;
  }

  /** Asks the script. */
  open(playback: Playback): void {
    const { client, request } = playback;
    const script = this.#options.script();
    const name = canonicalStreamName(request.name);
    if (!accessCovers(client.facts.readAccess, withoutPrefix(name))) {
      const status = AccessStatus.Forbidden;
      this.#refuse(playback, playFailed('access', 'No read access.', status));
    } else if (!script) this.#decided(playback, { accepted: true });
    else {
      const asked = { ...request, name: recordingOf(name) };
      playback.gate = script.ask({ gate: 'onPlay', client: client.id, request: asked }, (verdict) =>
        this.#decided(playback, verdict),
      );
    }
  }

  /** 0: it is not recorded, or not for this client. */
  async recordedLengthMs(client: Client, name: string): Promise<number> {
    const { application, instance, chunkBytes, recorded: streams } = this.#options;
    if (!streams || !accessCovers(client.facts.readAccess, withoutPrefix(canonicalStreamName(name))))
      return 0;
    try {
      const recorded = await streams.open({ application, instance, name, chunkBytes });
      recorded?.close();
      return recorded?.lengthMs ?? 0;
    } catch (error) {
      if (error instanceof CodedError) return 0;
      throw error;
    }
  }

  #decided(playback: Playback, verdict: Verdict): void {
    if (playback.state !== PlaybackState.Asking) return;
    if (!verdict.accepted) {
      this.#refuse(playback, playFailed('script', verdict.reason, AccessStatus.Rejected));
      return;
    }
    const { start, name: asked } = playback.request;
    const name = canonicalStreamName(verdict.as ?? asked);
    playback.name = name;
    const wantsFile = start >= 0 || (start === -2 && !this.#isOnAir(name));
    if (wantsFile && this.#options.recorded) void this.#openRecorded(playback, name, this.#options.recorded);
    else this.#found(playback, name);
  }

  #isOnAir(name: string): boolean {
    return this.#options.streams.isOnAir(name);
  }

  async #openRecorded(playback: Playback, name: string, streams: RecordedStreams): Promise<void> {
    const { application, instance, chunkBytes } = this.#options;
    playback.state = PlaybackState.Opening;
    let recorded: RecordedStream | undefined;
    try {
      recorded = await streams.open({ application, instance, name, chunkBytes });
    } catch (error) {
      if (playback.state !== PlaybackState.Opening) return;
      if (!(error instanceof CodedError)) {
        playback.port.broke(error);
        return;
      }
      this.#refuse(playback, fileRefusal(error), name);
      return;
    }
    // somebody may have begun to publish it meanwhile
    const isWanted =
      playback.state === PlaybackState.Opening && (playback.request.start >= 0 || !this.#isOnAir(name));
    if (isWanted) playback.recorded = recorded;
    else recorded?.close();
    if (playback.state === PlaybackState.Opening) this.#found(playback, name);
  }

  /** With what is recorded, or for what is live or will be. */
  #found(playback: Playback, name: string): void {
    const { streams } = this.#options;
    if (!playback.recorded) {
      if (playback.request.start >= 0) {
        const refusal: Refusal = {
          cause: 'not-found',
          code: 'NetStream.Play.StreamNotFound',
          description: `Failed to play ${playback.request.name}; stream not found.`,
          reason: 'There is no recorded stream of that name.',
          status: AccessStatus.NotFound,
        };
        this.#refuse(playback, refusal, name);
        return;
      }
      if (
        streams.get(name) === undefined &&
        streams.waitingCount >= this.settings.streamManager.live.maxWaitingStreams
      ) {
        const description = 'Too many names are being waited for.';
        this.#refuse(playback, playFailed('too-many-waiting', description, AccessStatus.Conflict), name);
        return;
      }
      if (!this.#admit(playback, name)) {
        const description = 'The stream has as many players as MaxPlayers allows.';
        this.#refuse(playback, playFailed('too-many-players', description, AccessStatus.Conflict), name);
        return;
      }
    }
    playback.state = PlaybackState.Ready;
    playback.events.ready();
  }

  /** False: the stream has as many players as it may have. */
  #admit(playback: Playback, name: string): boolean {
    const players = this.#players.get(name) ?? new Set();
    const { maxPlayers } = this.settings.streamManager.live;
    if (maxPlayers !== undefined && players.size >= maxPlayers) return false;
    this.#players.set(name, players.add(playback));
    return true;
  }

  /** `name`: what it is that cannot be played; a script may have let it in under another one. */
  #refuse(playback: Playback, refusal: Refusal, name?: string): void {
    playback.state = PlaybackState.Ended;
    this.#forget(playback);
    this.turnDown(playback, refusal, name);
    playback.events.refused(refusal.code);
  }

  /** The player and the logs hear of it. The playback has ended, or never began. */
  turnDown(
    playback: Playback,
    refusal: Refusal,
    name = this.#options.script() ? playback.name : canonicalStreamName(playback.request.name),
  ): void {
    const { journal, isKey } = this.#options;
    const shown = name !== undefined && isKey(name) ? undefined : name;
    journal?.playRefused(playback, shown, refusal);
    playback.port.refused(refusal, shown);
  }

  /** One that cannot be meant, or has no place: nobody is asked about it. */
  refuseRequest(client: Client, request: PlayRequest, port: PlayerPort, refusal: Refusal): void {
    const nobody: PlaybackEvents = { refused() {}, ready() {}, hasNext: () => false, done() {} };
    const playback = new Playback(client, request, port, nobody);
    playback.state = PlaybackState.Ended;
    this.turnDown(playback, refusal);
  }

  /** A publisher is there for it now. */
  isLive(playback: Playback): boolean {
    return playback.name !== undefined && !playback.recorded && this.#isOnAir(playback.name);
  }

  // ── playing ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** One that is ready begins. `announces`: as a play of its own, not in another one's place. */
  begin(playback: Playback, start: FileStart, announces: boolean, plan: ViewerPlan = {}): void {
    if (playback.recorded) this.#beginFile(playback, playback.recorded, start, announces);
    else this.#beginLive(playback, announces, plan);
  }

  #beginLive(playback: Playback, announces: boolean, plan: ViewerPlan): void {
    const { port, request } = playback;
    const { stream } = this.#options.streams.open(playback.name!);
    playback.stream = stream;
    if (announces) port.started(stream.name, false);
    const limited =
      request.length < 0
        ? plan
        : { ...plan, lengthMs: request.length * 1000, ends: () => this.#liveEnded(playback) };
    playback.viewer = stream.addPlayer(port, limited);
    if (!plan.waitsForKeyframe) this.began(playback);
    if (!this.#isOnAir(stream.name)) this.#awaitPublisher(playback, stream.name);
  }

  /** In silence it looks to everybody as if the server did not work; the log says after a while what is waited for. */
  #awaitPublisher(playback: Playback, name: string): void {
    const { clock, isKey } = this.#options;
    playback.cancelPatience = clock.after(PATIENCE_MS, () => {
      if (!this.#isOnAir(name)) playback.port.stillWaits(isKey(name) ? undefined : name, PATIENCE_MS);
    });
  }

  /** What was asked for has been sent; in the midst of a flush. */
  #liveEnded(playback: Playback): void {
    this.#options.clock.soon(() => {
      if (playback.state !== PlaybackState.Playing) return;
      const hasNext = playback.events.hasNext();
      playback.port.completed(playback.request.length, hasNext);
      this.stop(playback, AccessStatus.Ok);
      if (hasNext) playback.events.done();
    });
  }

  #beginFile(playback: Playback, recorded: RecordedStream, start: FileStart, announces: boolean): void {
    const { port, request } = playback;
    const { clock, turns } = this.#options;
    const { client, streamManager } = this.settings;
    const { minBufferTimeMs: minBufferMs } = client.msgQueue.recorded;
    const enhancedSeek = streamManager.enhancedSeek.text;
    const fromMs = Math.max(0, request.start) * 1000;
    // COMPAT(rtmpdump 2.4): librtmp adds the start that it asked for to the times that it gets
    const { place, bufferMs, offsetMs = -fromMs } = start;
    const file = new FilePlayer({
      ...{ stream: recorded, port, clock, turns, offsetMs, minBufferMs, marks: enhancedSeek },
      ended: () => this.#fileEnded(playback),
      failed: (error) => this.failed(playback, error),
    });
    file.bufferMs = bufferMs;
    playback.file = file;
    playback.seeks = new LatestOnly(clock, SEEKS);
    if (announces) port.started(playback.name!, true);
    this.began(playback);
    if (request.length > 0) file.endMs = fromMs + request.length * 1000;
    else if (request.length === 0) file.wantOneFrame();
    if (place) file.playAt(place);
    else if (fromMs > recorded.lengthMs && !recorded.isGrowing) file.end();
    else file.playFrom(fromMs);
  }

  /** The script and the log hear of it. */
  began(playback: Playback): void {
    const { clock, journal, script } = this.#options;
    playback.state = PlaybackState.Playing;
    playback.sinceMs = clock.now();
    journal?.playing(playback, playback.name!);
    script()?.tell({ event: 'play', client: playback.client.id, stream: playback.name! });
  }

  #fileEnded(playback: Playback): void {
    if (playback.state !== PlaybackState.Playing) return;
    const hasNext = playback.events.hasNext();
    const { request, recorded } = playback;
    const seconds = request.length > 0 ? request.length : (recorded?.lengthMs ?? 0) / 1000;
    playback.port.completed(seconds, hasNext);
    this.#toldStopped(playback, AccessStatus.Ok);
    playback.state = PlaybackState.Finished;
    if (!hasNext) return;
    this.stop(playback, AccessStatus.Ok);
    playback.events.done();
  }

  /** What it plays cannot be read. */
  failed(playback: Playback, error: unknown): void {
    if (!(error instanceof CodedError)) {
      playback.port.broke(error);
      return;
    }
    const refusal = fileRefusal(error);
    if (playback.state === PlaybackState.Playing) playback.port.refused(refusal, playback.name);
    else this.turnDown(playback, refusal);
    this.stop(playback, AccessStatus.Failed);
    playback.events.refused(error.code);
  }

  // ── while it plays ─────────────────────────────────────────────────────────────────────────────────────────────

  /** `ms`: where the player is; undefined: it has kept what it was sent, and goes on behind that. */
  pause(playback: Playback, isPaused: boolean, ms: number | undefined): void {
    const { viewer, file, port } = playback;
    if (!playback.isUnderWay) return;
    if (isPaused) {
      viewer?.pause(true);
      file?.pause();
      port.paused(file !== undefined);
    } else {
      viewer?.pause(false);
      port.unpaused({
        isRecorded: file !== undefined,
        start: this.settings.streamManager.sendDuplicateStart,
      });
      if (file) this.#unpause(file, ms);
    }
    if (playback.state !== PlaybackState.Playing) return;
    const { journal, script } = this.#options;
    journal?.paused(playback, isPaused);
    script()?.tell({ event: 'pause', client: playback.client.id, stream: playback.name!, isPaused });
  }

  #unpause(file: FilePlayer, ms: number | undefined): void {
    const fileMs = ms === undefined ? undefined : Math.max(0, ms - file.offsetMs);
    // one who has played all that it got needs nothing again
    if (fileMs !== undefined && file.isPaused && fileMs < file.sentMs - file.offsetMs) this.#go(file, fileMs);
    file.resume();
  }

  seek(playback: Playback, ms: number): void {
    const { file, port, seeks } = playback;
    if (!playback.isUnderWay) return;
    if (file && seeks) seeks.run(() => this.#seekIn(playback, file, ms));
    else port.seekFailed(ms, 'it is live');
  }

  #seekIn(playback: Playback, file: FilePlayer, ms: number): void {
    const { port } = playback;
    if (!playback.isUnderWay) return;
    const fileMs = Math.min(ms, file.stream.lengthMs);
    file.offsetMs = 0; // who seeks means times of the file, and gets them
    port.sought(ms, { start: this.settings.streamManager.sendDuplicateStart });
    if (playback.state === PlaybackState.Finished) this.began(playback);
    this.#options.journal?.sought(playback, fileMs);
    this.#go(file, fileMs);
  }

  #go(file: FilePlayer, fileMs: number): void {
    const { enhancedSeek, sendDuplicateOnMetaData } = this.settings.streamManager;
    file.playFrom(fileMs, { marks: enhancedSeek.text, metaData: sendDuplicateOnMetaData === 'true' });
  }

  receive(playback: Playback, wants: { audio?: boolean; video?: boolean }): void {
    const { viewer, file } = playback;
    if (wants.audio !== undefined) viewer?.receiveAudio(wants.audio);
    if (wants.video !== undefined) viewer?.receiveVideo(wants.video);
    file?.receive(wants);
    if (file && (wants.audio || wants.video) && !playback.seeks?.isWaiting)
      this.seek(playback, file.positionMs);
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The player stopped or left, or another one takes its place. */
  stop(playback: Playback, status: AccessStatus): void {
    const { state, stream, viewer, file } = playback;
    if (state === PlaybackState.Ended) return;
    playback.state = PlaybackState.Ended;
    this.#forget(playback);
    playback.cancelPatience?.();
    playback.seeks?.close();
    if (state === PlaybackState.Asking) playback.gate?.drop();
    if (file) file.close();
    else playback.recorded?.close();
    if (stream && viewer) stream.removePlayer(viewer);
    if (state === PlaybackState.Playing) this.#toldStopped(playback, status);
    if (stream) this.#options.streams.release(stream.name);
  }

  #toldStopped(playback: Playback, status: AccessStatus): void {
    const { journal, script } = this.#options;
    journal?.stoppedPlaying(playback, status);
    script()?.tell({ event: 'stopPlay', client: playback.client.id, stream: playback.name! });
  }

  /** Everything that a leaving client played. */
  stopAll(client: Client): void {
    for (const playback of [...(this.#ofClient.get(client) ?? [])])
      this.stop(playback, AccessStatus.ClientGone);
  }

  /** What has begun to play, its stream on air or not. */
  *playing(): Generator<Playback> {
    for (const playbacks of this.#ofClient.values()) {
      for (const one of playbacks) if (one.state === PlaybackState.Playing) yield one;
    }
  }

  clientsOf(stream: Stream): string[] {
    const ids: string[] = [];
    for (const playback of this.playing()) if (playback.stream === stream) ids.push(playback.client.id);
    return ids;
  }

  #remember(client: Client, playback: Playback): void {
    const known = this.#ofClient.get(client);
    if (known) known.add(playback);
    else this.#ofClient.set(client, new Set([playback]));
  }

  #forget(playback: Playback): void {
    const known = this.#ofClient.get(playback.client);
    known?.delete(playback);
    if (known?.size === 0) this.#ofClient.delete(playback.client);
    const { name = '' } = playback;
    const players = this.#players.get(name);
    if (players?.delete(playback) && players.size === 0) this.#players.delete(name);
  }
}

/** Who reads the tags of an MP3 reads the file whose sound is `mp3:song`: the gate is asked about that. */
function recordingOf(name: string): string {
  const { prefix, name: path } = splitPrefix(name);
  return prefix === 'id3' ? `mp3:${path}` : name;
}

/** NetStream.Play.Failed. */
export function playFailed(
  cause: Refusal['cause'],
  description: string,
  status: AccessStatus = AccessStatus.BadRequest,
  reason = description,
): Refusal {
  return { cause, code: 'NetStream.Play.Failed', description, reason, status };
}

function fileRefusal({ code, message }: CodedError): Refusal {
  return { cause: 'file', code, description: message, status: refusalStatus(code) };
}

function refusalStatus(code: string): AccessStatus {
  if (code === 'NetStream.Play.StreamNotFound') return AccessStatus.NotFound;
  if (code === 'NetStream.Play.Failed') return AccessStatus.Failed;
  return AccessStatus.UnsupportedMedia;
}
