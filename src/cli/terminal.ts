// The terminal that the process was started from, whatever its input and output have become.
import { closeSync, openSync } from 'node:fs';

/** False as well once the window of the terminal has been closed: the system takes it from its processes before it sends SIGHUP. */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
