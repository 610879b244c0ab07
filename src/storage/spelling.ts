// Some disks take several names for one file: `Film` for `film` (Windows, macOS, ext4 with casefold), a letter with an accent for the
// letter and its accent, FILM~1 for the start of a long name. The one that counts is the one that the disk lists.
import { readdirSync, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

type Question =
  /** → what is there under that path: device and inode; undefined: nothing. */
  | { readonly what: string }
  /** → the names in that folder. */
  | { readonly namesIn: string };
type Answer = string | undefined | readonly string[];

/**
 * True: what lies at `name` below `folder`, or a folder on the way there, is listed by another name. False too where nothing is.
 * Asks for names only where a second spelling reaches the same file, so on most disks it costs two looks for each element.
 */
export function* isSpelledOtherwise(folder: string, name: string): Generator<Question, boolean, Answer> {
  let parent = folder;
  for (const element of name.split('/')) {
    const path = join(parent, element);
    const there = yield { what: path };
    if (there === undefined) return false;
    for (const other of otherSpellings(element)) {
      if ((yield { what: join(parent, other) }) !== there) continue;
      const names = (yield { namesIn: parent }) as readonly string[];
      if (!names.includes(element)) return true;
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

export function hasOtherSpelling(folder: string, name: string): boolean {
  const questions = isSpelledOtherwise(folder, name);
  for (let next = questions.next(); ; ) {
    if (next.done) return next.value;
    const asked = next.value;
    next = questions.next('what' in asked ? identityOf(asked.what) : readdirSync(asked.namesIn));
  }
}

/** The same for those who must not wait. */
export async function findsOtherSpelling(folder: string, name: string): Promise<boolean> {
  const questions = isSpelledOtherwise(folder, name);
  for (let next = questions.next(); ; ) {
    if (next.done) return next.value;
    const asked = next.value;
    next = questions.next(
      'what' in asked
        ? await stat(asked.what, { bigint: true }).then(identity, () => undefined)
        : await readdir(asked.namesIn),
    );
  }
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
