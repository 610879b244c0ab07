// One stream of another server that is played from here: what that server says and sends → what becomes of it.
import type { OutgoingStatus, PullEvents, PullRequest } from '../../application/contract/outgoing.ts';
import type { RtmpMessage } from '../../protocol/rtmp/message.ts';
import { type Intake, type IntakeOptions, takeIn } from '../link/intake.ts';

export class Pull {
  readonly #request: PullRequest;
  readonly #options: IntakeOptions;
  readonly #events: PullEvents;
  readonly #intake: Intake;
  readonly #onOver: () => void;
  #hasStarted = false;
  /** Nothing has come since the publisher went. */
  #isLost = false;
  #isOver = false;

  /** `onOver`: however it ends, once. */
  constructor(request: PullRequest, options: IntakeOptions, events: PullEvents, onOver: () => void) {
    this.#request = request;
    this.#options = options;
    this.#events = events;
    this.#onOver = onOver;
    this.#intake = {
      publish: (message) => events.take(message),
      setDataFrame: (_, message) => events.take(message),
      clearDataFrame: () => {},
    };
  }

  status({ code, level, description = '' }: OutgoingStatus): void {
    if (this.#isOver) return;
    if (code === 'NetStream.Play.Start') this.#start();
    else if (code === 'NetStream.Play.UnpublishNotify') this.#lose();
    else if (code === 'NetStream.Play.Stop') this.#end(() => this.#events.ended());
    else if (level === 'error') this.#end(() => this.#events.failed(code, description));
  }

  /** COMPAT: servers say it again after a pause or a seek, and some after each item of a playlist. */
  #start(): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    this.#events.started();
  }

  media(message: RtmpMessage): void {
    if (!this.#hasStarted || this.#isOver) return;
    this.#isLost = false;
    takeIn(message, this.#intake, this.#options);
  }

  /** User control Stream EOF: what is recorded has been sent; what is live has no publisher any more. */
  eof(): void {
    if (this.#isOver || !this.#hasStarted) return;
    if (this.#request.start < 0) this.#lose();
    else this.#end(() => this.#events.ended());
  }

  /** COMPAT: of a publisher that goes some servers tell by Stream EOF, some by a status, some by both. */
  #lose(): void {
    if (this.#isLost || !this.#hasStarted) return;
    this.#isLost = true;
    this.#events.lost();
  }

  disconnected(): void {
    if (this.#hasStarted) this.#end(() => this.#events.ended());
    else this.#end(() => this.#events.failed('NetStream.Play.Failed', 'The connection has ended.'));
  }

  #end(tell: () => void): void {
    if (this.#isOver) return;
    this.close();
    tell();
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
  }
}
