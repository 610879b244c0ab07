// The addon that sends to many players in one call, if it has been built.
import { FanOut } from '../adaptor/link/fan-out.ts';
import { ADDON, loadSender } from '../adaptor/native/sender.ts';
import type { Log } from '../log/log.ts';

/** Undefined: the addon has not been made, or cannot be used. */
export function openFanOut(log: Log): FanOut | undefined {
  try {
    const sender = loadSender();
    log.debug(
      { event: 'fan-out', native: sender !== undefined },
      sender
        ? `${ADDON} sends to all players of a stream in one call`
        : 'the server sends to players one by one',
    );
    return sender && new FanOut(sender);
  } catch (error) {
    log.warn(
      { event: 'fan-out', err: error },
      `the server runs without ${ADDON}: ${(error as Error).message}`,
    );
    return undefined;
  }
}
