// How a play request becomes a viewer of a stream, live or still to come, and ends again.
import { AccessStatus } from '../log/access-status.ts';
import { accessCovers } from './access.ts';
import type { Client } from './client.ts';
import type { Clock } from './clock.ts';
import type { InstanceJournal } from './journal.ts';
import { Playback, PlaybackState, type PlayerPort } from './playback.ts';
import type { InstanceScript, PlayRequest, Verdict } from './script.ts';
import type { Stream } from './stream.ts';
import type { StreamTable } from './stream-table.ts';

export interface PlayingOptions {
  /** Names with players and no publisher. */
  maxWaitingNames: number;
  clock: Clock;
  streams: StreamTable;
  script: () => InstanceScript | undefined;
  journal: InstanceJournal | undefined;
}

export class Playing {
  readonly #options: PlayingOptions;
  /** What each client plays, decided or not. */
  readonly #ofClient = new Map<Client, Set<Playback>>();

  constructor(options: PlayingOptions) {
    this.#options = options;
  }

  play(client: Client, request: PlayRequest, port: PlayerPort): Playback {
    const playback = new Playback(client, request, port);
    this.#remember(client, playback);
    const script = this.#options.script();
    if (!accessCovers(client.facts.readAccess, request.name)) {
      this.#refuse(playback, 'NetStream.Play.Failed', 'No read access.', AccessStatus.Forbidden);
    } else if (!script) this.#decided(playback, { accepted: true });
    else {
      playback.gate = script.ask({ gate: 'onPlay', clientId: client.id, request }, (verdict) =>
        this.#decided(playback, verdict),
      );
    }
    return playback;
  }

  #decided(playback: Playback, verdict: Verdict): void {
    if (playback.state !== PlaybackState.Asking) return;
    if (!verdict.accepted) {
      this.#refuse(playback, 'NetStream.Play.Failed', verdict.reason, AccessStatus.Rejected);
      return;
    }
    const { client, request, port } = playback;
    const name = verdict.as ?? request.name;
    if (request.start >= 0) {
      const description = 'There is no recorded stream of that name.';
      this.#refuse(playback, 'NetStream.Play.StreamNotFound', description, AccessStatus.NotFound, name);
      return;
    }
    const isNew = this.#options.streams.get(name) === undefined;
    if (isNew && this.#options.streams.waitingCount >= this.#options.maxWaitingNames) {
      const description = 'Too many names are being waited for.';
      this.#refuse(playback, 'NetStream.Play.Failed', description, AccessStatus.Conflict, name);
      return;
    }
    const { stream } = this.#options.streams.open(name);
    playback.state = PlaybackState.Playing;
    playback.sinceMs = this.#options.clock.now();
    playback.stream = stream;
    port.started(name);
    this.#options.journal?.playing(playback, name);
    playback.viewer = stream.addPlayer(port);
    this.#options.script()?.tell({ event: 'play', clientId: client.id, stream: name });
  }

  /** `name`: what it is that cannot be played; a script may have let it in under another one. */
  #refuse(
    playback: Playback,
    code: string,
    description: string,
    status: AccessStatus,
    name = this.#options.script() ? undefined : playback.request.name,
  ): void {
    playback.state = PlaybackState.Ended;
    this.#forget(playback);
    this.#options.journal?.playRefused(playback, name, status, description);
    playback.port.refused(code, description);
  }

  pause(playback: Playback, isPaused: boolean): void {
    if (!playback.viewer) return;
    playback.viewer.pause(isPaused);
    this.#options.journal?.paused(playback, isPaused);
  }

  /** The player stopped or left. */
  stop(playback: Playback, status: AccessStatus): void {
    const { state, stream, viewer, client } = playback;
    if (state === PlaybackState.Ended) return;
    playback.state = PlaybackState.Ended;
    this.#forget(playback);
    if (state === PlaybackState.Asking) playback.gate?.drop();
    if (!stream || !viewer) return;
    stream.removePlayer(viewer);
    this.#options.journal?.stoppedPlaying(playback, status);
    this.#options.script()?.tell({ event: 'stop', clientId: client.id, stream: stream.name });
    this.#options.streams.release(stream.name);
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
  }
}
