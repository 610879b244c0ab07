// What one version of a script leaves to the next: its state, who is here, and what was kept of its clients.

import type { InstanceSnapshot, ScriptCommands } from '../../application/contract/script.ts';
import type { Clock } from '../../clock.ts';
import type { SavedState } from '../commands/commands.ts';
import type { Journal } from '../journal/journal.ts';
import { type Unit, UnitEnd } from '../process/unit.ts';
import type { WireSnapshot } from '../wire/wire.ts';
import { within } from './deadline.ts';
import { KeptData } from './kept-data.ts';
import type { Mailbox } from './mailbox.ts';

/** onBeforeReload. A version that does not answer is replaced without its state, or it could never be. */
const SAVE_DEADLINE_MS = 2000;

export interface HandOverOptions {
  clock: Clock;
  /** Of questions. */
  nextId(): number;
  journal: Journal;
  commands: ScriptCommands;
  mailbox: Mailbox;
}

export class HandOver {
  /** Of the clients of the version that serves, or of the one that ended. */
  readonly kept = new KeptData();
  readonly #options: HandOverOptions;
  /** Who was here when the post was parked. */
  #presentAtPark: InstanceSnapshot | undefined;

  constructor(options: HandOverOptions) {
    this.#options = options;
  }

  /** What it gives away. Undefined: nothing, and why is in the log. */
  async save(current: Unit): Promise<SavedState | undefined> {
    const { clock, journal, nextId } = this.#options;
    this.park();
    try {
      const save = current.save({ t: 'save', id: nextId() });
      const saved = await within(
        clock,
        SAVE_DEADLINE_MS,
        new UnitEnd('failed', `no answer within ${SAVE_DEADLINE_MS / 1000} s`, 'startMs'),
        save,
      );
      if (saved.lost.length > 0) {
        journal.warn(
          `not carried over to the new version: ${saved.lost.join(', ')}. Functions belong on Client.prototype; the rest can be set in onClientResume`,
        );
      }
      return saved;
    } catch (error) {
      if (!(error instanceof UnitEnd)) throw error;
      if (current.end) return undefined;
      const message = `${error.message}: the new version starts without its state, and with client.data as it was last kept`;
      journal.fault({ kind: 'timeout', where: 'onBeforeReload', message, code: 'saveMs' }, current.build);
      current.hold();
      return undefined;
    }
  }

  /** From now on the post waits for the next version. */
  park(): void {
    this.#options.mailbox.park();
    this.#presentAtPark ??= this.#options.commands.snapshot();
  }

  /**
   * Who is here now; and who has left since the post was parked, for that post tells of it: onDisconnect shall find its
   * client.
   */
  snapshot(saved: SavedState | undefined): WireSnapshot {
    const { commands, mailbox } = this.#options;
    const { clients, streams } = commands.snapshot();
    const present = new Set(clients.map(({ facts }) => facts.id));
    const parked = new Set(mailbox.parkedDisconnects());
    const departed = (this.#presentAtPark?.clients ?? []).filter(
      ({ facts }) => !present.has(facts.id) && parked.has(facts.id),
    );
    const kept = this.kept.handOver();
    const snapshot: WireSnapshot = {
      clients: [...clients, ...departed].map(({ facts, stats }) => {
        const own = saved && Object.hasOwn(saved.clients, facts.id) ? saved.clients[facts.id] : undefined;
        const data = saved ? undefined : kept.of(facts.id);
        return {
          facts: { ...facts },
          stats: { ...stats },
          ...(own === undefined ? {} : { saved: own }),
          ...(data === undefined ? {} : { data }),
        };
      }),
      streams: streams.map(({ publisher, source, ...stream }) => ({
        ...stream,
        ...(publisher === undefined ? {} : { publisher }),
        ...(source === undefined ? {} : { source }),
      })),
    };
    if (kept.left > 0) {
      this.#options.journal.warn(
        `${kept.left} clients have lost their data: together it is too large to be handed over`,
      );
    }
    return snapshot;
  }

  /** The next version serves. */
  done(): void {
    this.#presentAtPark = undefined;
    this.kept.clear(); // it says itself what there is to keep
  }

  /** The version that was to be replaced goes on. */
  failed(): void {
    this.#presentAtPark = undefined;
  }
}
