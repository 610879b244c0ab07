// Whether a publication gets the name that it is to have: the directory grants it to this node, and what has it on this node gives
// way or does not.
import type { Clock } from '../../clock.ts';
import type { ApplicationRows } from '../../config/schema/application.ts';
import type { NameClaims } from './name-claims.ts';
import { type Publication, PublicationState } from './publication.ts';
import type { StreamTable } from './stream-table.ts';
import { nextTakeOver, safeForMs } from './take-over.ts';

export interface NameCheckOptions {
  clock: Clock;
  /** As they are at the moment. */
  settings(): Pick<ApplicationRows, 'streamManager'>;
  streams: StreamTable;
  names: NameClaims;
  /** The name is the publication's: nothing else has it. */
  free(publication: Publication, name: string): void;
  /** The name is the publication's, and `holder` loses it. `why`: a clause for the holder and the log. */
  takenOver(publication: Publication, holder: Publication, name: string, why: string): void;
  /** It stays with what has it. */
  taken(publication: Publication, name: string): void;
}

export class NameCheck {
  readonly #options: NameCheckOptions;

  constructor(options: NameCheckOptions) {
    this.#options = options;
  }

  /** One of `free`, `takenOver` and `taken` follows, now or later, unless the publication ends before that. */
  check(publication: Publication, name: string): void {
    const { names, taken } = this.#options;
    const release = names.claim(name, publication.takesOver, (isGranted) => {
      if (isGranted) this.#checkHere(publication, name);
      else taken(publication, name);
    });
    if (publication.state === PublicationState.Ended) release();
    else publication.releaseName = release;
  }

  /** This node has the name. */
  #checkHere(publication: Publication, name: string): void {
    const { streams, free, taken } = this.#options;
    const holder = streams.get(name)?.holder;
    if (holder?.kind === 'client') this.#checkHolder(publication, holder, name);
    else if (holder?.kind === 'server' && !publication.takesOver) taken(publication, name);
    else {
      holder?.close(); // where it is another node's, the directory has taken the name from that
      free(publication, name);
    }
  }

  #checkHolder(publication: Publication, holder: Publication, name: string): void {
    const { settings, taken, takenOver } = this.#options;
    const { publishTimeoutMs, takeOverIntervalMs } = settings().streamManager.live;
    if (holder.client === publication.client) taken(publication, name);
    else if (publication.takesOver && this.#mayTakeOver(publication, holder, name)) {
      const { clock } = this.#options;
      publication.takeOver = nextTakeOver(holder.takeOver, takeOverIntervalMs, clock.now());
      takenOver(publication, holder, name, 'the application let another publisher have its name');
    } else if (publishTimeoutMs === undefined) taken(publication, name);
    else this.#awaitSignOfLife(publication, holder, name, publishTimeoutMs);
  }

  #awaitSignOfLife(publication: Publication, holder: Publication, name: string, waitMs: number): void {
    const { streams, taken, takenOver } = this.#options;
    publication.cancelCheck = holder.client.port.probe(waitMs, (isAlive) => {
      publication.cancelCheck = undefined;
      if (streams.get(name)?.holder !== holder)
        this.#checkHere(publication, name); // it gave the name up, or lost it
      else if (isAlive) taken(publication, name);
      else {
        publication.takeOver = holder.takeOver;
        takenOver(publication, holder, name, `it gave no sign of life for ${waitMs} ms`);
      }
    });
  }

  #mayTakeOver(publication: Publication, holder: Publication, name: string): boolean {
    const { clock, settings } = this.#options;
    const restMs = safeForMs(holder.takeOver, settings().streamManager.live.takeOverIntervalMs, clock.now());
    if (restMs > 0) publication.port.takeOverLimited(name, holder.client, restMs);
    return !(restMs > 0);
  }
}
