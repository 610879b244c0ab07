// What each file of src/ is for, in the words of its first comment → the list in docs/architecture.md (`npm run docs`).
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const SRC = join(import.meta.dirname, '..');
const BEGIN = '<!-- The files, from their first comments: "npm run docs" writes what follows. -->\n';

interface FileLine {
  /** From src/: `protocol/bytes.ts`. */
  readonly path: string;
  /** Empty: the file has no comment that says what it is for. */
  readonly text: string;
}

export function fileLines(): FileLine[] {
  return globSync('**/*.{ts,c}', { cwd: SRC })
    .map((path) => path.replaceAll('\\', '/'))
    .sort((a, b) => byFolder(a).localeCompare(byFolder(b), 'en'))
    .map((path) => ({ path, text: firstSentence(firstComment(readFileSync(join(SRC, path), 'utf8'))) }));
}

/** The files of a folder come before its folders. */
function byFolder(path: string): string {
  const folder = dirname(path);
  return folder === '.' ? ` /${path}` : `${folder}/ ${path.slice(folder.length + 1)}`;
}

/** The lines of the comment at the top, up to an empty one; else the first docstring. */
function firstComment(source: string): string {
  const [head] = /^(?:\/\/.*\n)+/.exec(source) ?? [];
  if (head) {
    const lines = head.split('\n').map((line) => line.replace(/^\/\/ ?/, ''));
    const end = lines.findIndex((line, i) => i > 0 && (line.trim() === '' || /^(\s{2}|\|)/.test(line)));
    return lines.slice(0, end).join(' ');
  }
  const [, docstring = ''] = /\/\*\*([\s\S]*?)\*\//.exec(source) ?? [];
  return docstring.replace(/\s*\n\s*\*?\s*/g, ' ').trim();
}

function firstSentence(comment: string): string {
  const [sentence = comment] = /^.*?[.!?](?= +[A-Z`]|\s*$)/.exec(comment) ?? [];
  return sentence.trim().replace(/:$/, '.').replaceAll('<', '&lt;');
}

/** The page with the list as it should be. */
export function withFileList(page: string): string {
  let folder: string | undefined;
  let list = '';
  for (const { path, text } of fileLines()) {
    const own = dirname(path);
    if (own !== folder) list += `\n### \`src/${own === '.' ? '' : `${own}/`}\`\n\n`;
    folder = own;
    list += `- \`${path.slice(own === '.' ? 0 : own.length + 1)}\`: ${text}\n`;
  }
  const at = page.indexOf(BEGIN);
  if (at < 0) throw new Error(`the page has no place for the list: ${BEGIN}`);
  return `${page.slice(0, at)}${BEGIN}${list}`;
}
