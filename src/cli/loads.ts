// The files that a classic script names in load().
import { posix } from 'node:path';
import { nodesOf, parseScript, pathOf, type SyntaxNode, textOf } from './syntax.ts';

export interface Load {
  /** As it stands there. */
  name: string;
  /** From the main script's folder. */
  path: string;
  line: number;
  column: number;
}

/** Those whose names are literals. */
export function loadedBy(text: string): Load[] {
  const { root, place } = parseScript(text);
  return [...nodesOf(root)].flatMap((node) => {
    if (node.type !== 'CallExpression' || pathOf(node.callee) !== 'load') return [];
    const name = textOf((node.arguments as SyntaxNode[])[0]);
    return name === undefined
      ? []
      : [{ name, path: posix.normalize(name.replaceAll('\\', '/')), ...place(node) }];
  });
}

/** The path of the file that load() finds, be it spelt in upper or lower case; undefined: there is none. */
export function fileOf(files: Readonly<Record<string, string>>, path: string): string | undefined {
  if (Object.hasOwn(files, path)) return path;
  const wanted = path.toLowerCase();
  return Object.keys(files).find((name) => name.toLowerCase() === wanted);
}
