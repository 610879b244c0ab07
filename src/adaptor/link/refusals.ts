// The line of the log for whatever is refused: one event for each kind, with the reason, the application and the name.
import type { LineLimit } from '../../log/line-limit.ts';
import type { Log } from '../../log/log.ts';
import { MASK } from '../../log/secrets.ts';
import { visible } from '../../log/visible.ts';

export interface RefusalLog {
  /** Of the connection: it has the address. */
  readonly log: Log;
  readonly lines: LineLimit;
  /** Of the peer. */
  readonly address: string;
}

export interface RefusalFacts {
  /** One of ours: of two with different causes in one second both have a line. */
  cause: string;
  code: string;
  reason: string;
  application: string;
}

/** Characters of a name: the longest that is none has megabytes. */
const MAX_SHOWN_NAME = 100;

export function noteRefusal(
  what: 'connect' | 'stream' | 'publish' | 'play' | 'seek',
  { log, lines, address }: RefusalLog,
  { cause, code, reason, application }: RefusalFacts,
  /** Undefined: there is none to it. `{ name: undefined }`: it is, or may be, a secret. */
  stream?: { name: string | undefined },
): void {
  const event = `${what}-refused` as const;
  const facts = {
    ...{ event, code, cause, reason, application },
    ...(stream && { stream: stream.name === undefined ? MASK : shownName(stream.name) }),
  };
  lines.line(`${event} ${cause}`, address, (repeats) => {
    log.info(repeats > 0 ? { ...facts, repeats } : facts, `${what} refused: ${visible(reason)}`);
  });
}

export function shownName(name: string): string {
  return visible(name.length > MAX_SHOWN_NAME ? `${name.slice(0, MAX_SHOWN_NAME)}…` : name);
}
