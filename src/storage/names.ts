// Names that come from the network and may become paths.
import { createHash } from 'node:crypto';
import { resolve, sep } from 'node:path';

const MAX_NAME_BYTES = 1024;
const MAX_ELEMENT_BYTES = 200;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const FORBIDDEN = /[\u0000-\u001f\u007f\\:*?"<>|\ufffd]/;
/** Windows reads these as devices in any folder, with any extension. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;

/** In the folder of applications: code that their scripts share. It is no application, whatever is in it. */
export const SHARED_FOLDER = '_lib';

/** In any case of letters: it may be the same folder. */
export function isSharedFolder(name: string): boolean {
  return name.toLowerCase() === SHARED_FOLDER;
}

/** Of the folder of applications: what npm installs there for all of them. */
const PACKAGES_FOLDER = 'node_modules';

/** In the folder of applications, and no application. */
export function isReservedFolder(name: string): boolean {
  return isSharedFolder(name) || name.toLowerCase() === PACKAGES_FOLDER;
}

/**
 * Why `name`, a path of elements split by `/`, must not reach the file system; `undefined` when it may. Refuses empty
 * elements, `.` and `..`, backslashes, control characters, drive letters, wildcards, leading dots and trailing dots or blanks.
 */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (!name.isWellFormed()) return 'it holds half a character'; // several such names would have one file
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `it is longer than ${MAX_NAME_BYTES} bytes`;
  const bad = FORBIDDEN.exec(name);
  if (bad) return `it holds the character ${JSON.stringify(bad[0])}`;
  for (const element of name.split('/')) {
    if (element === '') return 'it has an empty element';
    if (element.startsWith('.')) return `the element "${element}" begins with a dot`;
    if (/[. ]$/.test(element)) return `the element "${element}" ends with a dot or a blank`;
    if (DEVICE.test(element)) return `"${element}" is a device on some systems`;
    if (Buffer.byteLength(element) > MAX_ELEMENT_BYTES)
      return `an element is longer than ${MAX_ELEMENT_BYTES} bytes`;
  }
  return undefined;
}

/**
 * One element of a path for a name of several: `rooms%2F7` for `rooms/7`. Two names never have the same, in no case of letters. What
 * has no slash, and no percent sign that could be taken for one of ours, stays as it is.
 */
export function folderName(name: string): string {
  const whole = name.replace(/%(?=2f|25|~)/gi, '%25').replaceAll('/', '%2F');
  if (Buffer.byteLength(whole) <= MAX_ELEMENT_BYTES) return whole;
  return `${whole.slice(0, 40)}%~${createHash('sha256').update(name).digest('hex')}`;
}

/** `name` below `folder`, after `nameProblem` found nothing; a name that would leave the folder throws (it cannot happen). */
export function pathInside(folder: string, name: string): string {
  const path = resolve(folder, name);
  if (!path.startsWith(resolve(folder) + sep))
    throw new RangeError(`${JSON.stringify(name)} leaves its folder`);
  return path;
}
