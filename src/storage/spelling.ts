// Some disks take several names for one file: `Film` for `film` (Windows, macOS, ext4 with casefold), a letter with an accent for the
// letter and its accent, FILM~1 for the start of a long name. The one that counts is the one that the disk lists.
import { opendirSync, statSync } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Of a folder at once, on the thread of the media: some 2 ms. */
const MAX_NAMES_AT_ONCE = 1_000;
/** Of a folder in all. In one with more a file that has two names is not used by either. */
const MAX_NAMES = 1_000_000;
/** Of a folder that is read by a thread of the pool, for each turn of ours. */
const NAMES_A_TURN = 1_000;

type Question =
  /** → what is there under that path: device and inode; undefined: nothing. */
  | { readonly what: string }
  /** → whether the folder lists that name; undefined: it has too many to look. */
  | { readonly isListed: string; readonly in: string };
type Answer = string | boolean | undefined;

/**
 * True: what lies at `name` below `folder`, or a folder on the way there, is listed by another name. False too where nothing is.
 * Undefined: a folder has too many names to tell. Asks for names only where a second spelling reaches the same file, so on most
 * disks it costs two looks for each element.
 */
export function* isSpelledOtherwise(
  folder: string,
  name: string,
): Generator<Question, boolean | undefined, Answer> {
  let parent = folder;
  for (const element of name.split('/')) {
    const path = join(parent, element);
    const there = yield { what: path };
    if (there === undefined) return false;
    for (const other of otherSpellings(element)) {
      if ((yield { what: join(parent, other) }) !== there) continue;
      const isListed = yield { isListed: element, in: parent };
      if (isListed !== true) return isListed === undefined ? undefined : true;
      break;
    }
    parent = path;
  }
  return false;
}

/** That a disk which does not tell spellings apart would take for it. */
function otherSpellings(element: string): Set<string> {
  const others = new Set([element.normalize('NFC'), element.normalize('NFD'), swapped(element)]);
  others.delete(element);
  return others;
}

/** One letter is enough; what a disk takes for the same letter has more than two forms, and the list of names decides. */
function swapped(text: string): string {
  const upper = text.toUpperCase();
  return upper === text ? text.toLowerCase() : upper;
}

/**
 * On the thread of the media: looks at no more than `maxNames` names of each folder. Undefined: it takes more, ask
 * `findsOtherSpelling`. Throws what the system says of a folder.
 */
export function hasOtherSpelling(
  folder: string,
  name: string,
  maxNames = MAX_NAMES_AT_ONCE,
): boolean | undefined {
  const questions = isSpelledOtherwise(folder, name);
  for (let next = questions.next(); ; ) {
    if (next.done) return next.value;
    const asked = next.value;
    next = questions.next(
      'what' in asked ? identityOf(asked.what) : isListedAtOnce(asked.in, asked.isListed, maxNames),
    );
  }
}

/** The same for those who can wait; a folder of more than a million names has every second spelling for itself. */
export async function findsOtherSpelling(folder: string, name: string): Promise<boolean> {
  const questions = isSpelledOtherwise(folder, name);
  for (let next = questions.next(); ; ) {
    if (next.done) return next.value ?? true;
    const asked = next.value;
    next = questions.next(
      'what' in asked
        ? await stat(asked.what, { bigint: true }).then(identity, () => undefined)
        : await isListed(asked.in, asked.isListed),
    );
  }
}

function isListedAtOnce(folder: string, name: string, maxNames: number): boolean | undefined {
  const opened = opendirSync(folder);
  try {
    for (let i = 0; i < maxNames; i += 1) {
      const entry = opened.readSync();
      if (!entry) return false;
      if (entry.name === name) return true;
    }
    return undefined;
  } finally {
    opened.closeSync();
  }
}

async function isListed(folder: string, name: string): Promise<boolean | undefined> {
  let left = MAX_NAMES;
  for await (const entry of await opendir(folder, { bufferSize: NAMES_A_TURN })) {
    if (entry.name === name) return true;
    left -= 1;
    if (left === 0) return undefined;
  }
  return false;
}

function identityOf(path: string): string | undefined {
  try {
    return identity(statSync(path, { bigint: true }));
  } catch {
    return undefined;
  }
}

function identity({ dev, ino }: { dev: bigint; ino: bigint }): string {
  return `${dev} ${ino}`;
}
