// Handlers that nobody will ever call, because of how they are called or where they stand: said once, when a version has loaded.
import { getOwnPropertyDescriptor, isFunction, keys, slice, toLowerCase } from '../core/primordials.ts';
import { log } from '../core/report.ts';
import { application } from './application.ts';

/** What scripts are asked and told: HANDLERS of script-table.ts, written into the bundle. */
declare const HANDLER_NAMES: readonly string[];

/** In a name longer than `LONG`: shorter ones with two slips may well be something else. */
const MAX_SLIPS = 2;
const LONG = 8;
const MAX_CHARACTERS = 30;

/** `exported`: what the main script of a module exports under the name of a handler. */
export function warnOfHandlers(exported: readonly string[]): void {
  const names = keys(application);
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    const known = isFunction(getOwnPropertyDescriptor(application, name)?.value) ? meant(name) : undefined;
    if (known !== undefined) {
      log('warn', [`the server never calls application.${name}: the handler is application.${known}`]);
    }
  }
  for (let i = 0; i < exported.length; i++) {
    const name = exported[i]!;
    if (name in application) continue;
    const cure = `write application.${name} = ${name}`;
    log('warn', [`the server never calls the export ${name}: ${cure}`]);
  }
}

/** The handler whose name that is, but for a slip; undefined: it is a name of the script's own, or right. */
function meant(name: string): string | undefined {
  const lower = toLowerCase(name);
  if (name.length > MAX_CHARACTERS || lower[0] !== 'o' || lower[1] !== 'n') return undefined;
  for (let slips = 0; slips <= MAX_SLIPS; slips++) {
    for (let i = 0; i < HANDLER_NAMES.length; i++) {
      const known = HANDLER_NAMES[i]!;
      if (slips === MAX_SLIPS && known.length <= LONG) continue;
      if (isWithin(lower, toLowerCase(known), slips)) return known === name ? undefined : known;
    }
  }
  return undefined;
}

/** Whether one becomes the other by so many letters changed, left out, put in or swapped with the next. */
function isWithin(a: string, b: string, slips: number): boolean {
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  const x = slice(a, same);
  const y = slice(b, same);
  if (x === y) return true;
  if (slips === 0) return false;
  const isSwapped = x.length > 1 && x[0] === y[1] && x[1] === y[0];
  if (isSwapped && isWithin(slice(x, 2), slice(y, 2), slips - 1)) return true;
  const restX = slice(x, 1);
  const restY = slice(y, 1);
  return isWithin(restX, y, slips - 1) || isWithin(x, restY, slips - 1) || isWithin(restX, restY, slips - 1);
}
