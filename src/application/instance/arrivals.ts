// Those who come into an instance and leave it: the script is asked, the client accepted or refused, and whatever it had ends with it.
import type { Clock } from '../../clock.ts';
import { AccessStatus } from '../../log/access-status.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import type { PublisherSecret } from '../../protocol/rtmp/publisher-auth.ts';
import type { InstanceJournal } from '../accounts/journal.ts';
import type { Tally } from '../accounts/tally.ts';
import { Client, type ClientPort, ClientState, type ConnectRefusal } from '../contract/client.ts';
import type { ClientFacts, InstanceScript, Verdict } from '../contract/script.ts';
import type { Occupancy } from '../pace/occupancy.ts';
import { appShutdown, type Lifetime } from './lifetime.ts';

export interface ArrivalsOptions {
  application: string;
  clock: Clock;
  /** By ID. */
  clients: Map<string, Client>;
  occupancy: Occupancy;
  tally: Tally;
  lifetime: Lifetime;
  script(): InstanceScript | undefined;
  /** The same; opens one where there is none yet. */
  requireScript(): InstanceScript | undefined;
  /** Everything that a leaving client published and played ends. */
  endStreams(client: Client): void;
  journal: InstanceJournal | undefined;
}

export class Arrivals {
  readonly #options: ArrivalsOptions;
  /** Who waits to hear of a user. */
  readonly #authenticating = new Set<(secret: PublisherSecret | undefined) => void>();

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  get isAuthenticating(): boolean {
    return this.#authenticating.size > 0;
  }

  /** Asks the script for what it knows of somebody who logs in. `answer` is called once; undefined: nothing. */
  authenticate(user: string, answer: (secret: PublisherSecret | undefined) => void): void {
    const { lifetime, requireScript } = this.#options;
    if (!requireScript() || !lifetime.isRunning) {
      answer(undefined);
      lifetime.arm();
      return;
    }
    const once = (secret: PublisherSecret | undefined) => {
      if (!this.#authenticating.delete(once)) return;
      answer(secret);
      lifetime.arm();
    };
    this.#authenticating.add(once);
    void this.#askForSecret(user, once);
  }

  async #askForSecret(user: string, answer: (secret: PublisherSecret | undefined) => void): Promise<void> {
    const { application, lifetime, script } = this.#options;
    await lifetime.unloading;
    try {
      await script()?.started;
    } catch {
      lifetime.close(loadFailed(application));
    }
    const running = lifetime.isRunning ? script() : undefined;
    if (!running) answer(undefined);
    else {
      running.ask({ gate: 'onAuthenticate', user }, (verdict) =>
        answer(verdict.accepted ? verdict.secret : undefined),
      );
    }
  }

  /** Asks the script; `port` is told the outcome, now or later. */
  connect(facts: ClientFacts, args: AmfValue[], port: ClientPort): Client {
    const { clock, clients, journal, lifetime, occupancy, requireScript, tally } = this.#options;
    const client = new Client(facts, port);
    client.sinceMs = clock.now();
    tally.connects += 1;
    journal?.connecting(client);
    if (!lifetime.isRunning) {
      this.#refuse(client, appShutdown());
      return client;
    }
    lifetime.disarm();
    clients.set(client.id, client);
    client.leave = occupancy.enter(facts);
    if (requireScript()) void this.#askScript(client, args);
    else this.#accept(client);
    return client;
  }

  async #askScript(client: Client, args: AmfValue[]): Promise<void> {
    const { application, lifetime } = this.#options;
    await lifetime.unloading;
    const script = this.#options.script();
    if (!script) return; // closed meanwhile, and the client with it
    try {
      await script.started;
    } catch {
      lifetime.close(loadFailed(application)); // the next connect tries the script anew
      return;
    }
    if (client.state !== ClientState.Pending) return;
    const gate = script.ask({ gate: 'onConnect', client: client.facts, args }, (verdict) =>
      this.#connectDecided(client, verdict),
    );
    if (client.state === ClientState.Pending) client.dropGate = () => gate.drop();
  }

  #connectDecided(client: Client, verdict: Verdict): void {
    if (client.state !== ClientState.Pending) return;
    client.dropGate = undefined;
    if (verdict.accepted) {
      this.#accept(client);
      return;
    }
    const { application, redirect } = verdict;
    this.#refuse(client, {
      cause: 'script',
      code: 'NetConnection.Connect.Rejected',
      description: verdict.reason,
      ...(application === undefined ? {} : { application }),
      ...(redirect === undefined ? {} : { redirect }),
    });
  }

  #accept(client: Client): void {
    const { journal, lifetime, tally } = this.#options;
    lifetime.noteServed();
    tally.accepted += 1;
    client.state = ClientState.Accepted;
    journal?.connected(client);
    client.port.accepted();
  }

  #refuse(client: Client, refusal: ConnectRefusal): void {
    const { clients, journal, lifetime, tally } = this.#options;
    client.state = ClientState.Gone;
    clients.delete(client.id);
    client.leave();
    tally.rejected += 1;
    tally.left(client.port.stats());
    journal?.refused(client, refusal);
    client.port.refused(refusal);
    lifetime.arm();
  }

  /** The connection has ended, whoever ended it. May be called twice. */
  disconnected(client: Client, reason: string, status: AccessStatus): void {
    const { state } = client;
    if (state === ClientState.Gone) return;
    const { clients, endStreams, journal, lifetime, script, tally } = this.#options;
    endStreams(client);
    journal?.disconnected(client, state === ClientState.Pending, reason, status);
    client.state = ClientState.Gone;
    tally.left(client.port.stats());
    client.dropGate?.();
    clients.delete(client.id);
    client.leave();
    if (state === ClientState.Accepted) script()?.tell({ event: 'disconnect', client: client.id });
    lifetime.arm();
  }

  /** `refusal`: for those who are still waiting for their verdict. */
  dismissAll(refusal: ConnectRefusal): void {
    for (const answer of [...this.#authenticating]) answer(undefined);
    for (const client of [...this.#options.clients.values()]) {
      if (client.state === ClientState.Pending) {
        client.dropGate?.();
        this.#refuse(client, refusal);
      } else {
        this.end(client);
      }
    }
  }

  /** It is told that the application shuts down. */
  end(client: Client): void {
    const { port } = client;
    const reason = 'the application is shutting down';
    this.disconnected(client, reason, AccessStatus.Shutdown);
    port.status('NetConnection.Connect.AppShutdown', 'The application is shutting down.');
    port.close(reason, AccessStatus.Shutdown);
  }
}

function loadFailed(application: string): ConnectRefusal {
  return {
    cause: 'load',
    code: 'NetConnection.Connect.Failed',
    description: `[ Server.Reject ] : Application (${application}) failed to load.`,
  };
}
