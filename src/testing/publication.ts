// A stream that a client publishes in a test: what it hears of it, and media as small as they can be.
import type { Client } from '../application/contract/client.ts';
import type { PublishRequest } from '../application/contract/script.ts';
import type { AppInstance } from '../application/instance/instance.ts';
import type { Publication, PublisherPort } from '../application/publish/publication.ts';
import { AccessStatus } from '../log/access-status.ts';
import { WIRE_STREAM_ID, type WireMessage } from '../protocol/rtmp/wire-message.ts';
import type { ClientHost, Status } from './host.ts';
import { MediaSender } from './media.ts';

export class TestPublication extends MediaSender {
  /** What players know it by; undefined: it is not on air. */
  name: string | undefined;
  /** NetStream.Publish.Start, .Denied, NetStream.Record.*… in order. */
  readonly statuses: Status[] = [];
  readonly #asked: string;
  readonly #host: ClientHost;
  readonly #sends: () => void;
  #publication: Publication | undefined;
  #instance: AppInstance | undefined;

  /** `sends`: called with each message of it. */
  constructor(asked: string, host: ClientHost, sends: () => void) {
    super();
    this.#asked = asked;
    this.#host = host;
    this.#sends = sends;
  }

  async begin(
    instance: AppInstance,
    client: Client,
    request: PublishRequest,
    disconnect: () => Promise<void>,
  ): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const say = (code: string, description: string) => void this.statuses.push({ code, description });
    const port: PublisherPort = {
      streamId: WIRE_STREAM_ID,
      started: (name) => {
        this.name = name;
        say('NetStream.Publish.Start', `${request.name} is now published.`);
      },
      flow: resolve,
      refused: ({ code, description }) => {
        say(code, description);
        resolve();
      },
      takeOverLimited: () => {},
      recordStatus: (code, description) => say(`NetStream.Record.${code}`, description),
      ended: (reason) => {
        this.name = undefined;
        say('NetStream.Publish.Denied', reason);
        void disconnect();
      },
    };
    this.#instance = instance;
    this.#publication = instance.publish(client, request, port);
    await promise;
    await this.#host.settled();
  }

  get accepted(): boolean {
    return this.statuses[0]?.code === 'NetStream.Publish.Start';
  }

  protected override send(message: WireMessage): void {
    if (this.name === undefined) throw new Error(`${this.#asked} is not on air`);
    this.#sends();
    this.#publication?.stream?.publish(message);
  }

  async unpublish(): Promise<void> {
    if (this.name !== undefined) {
      this.statuses.push({
        code: 'NetStream.Unpublish.Success',
        description: `${this.#asked} is now unpublished.`,
      });
    }
    this.name = undefined;
    if (this.#publication) this.#instance?.unpublish(this.#publication, AccessStatus.Ok);
    await this.#host.settled();
  }

  connectionClosed(): void {
    this.name = undefined;
  }
}
