// ${NAME} in configuration files. What a symbol stands for comes, each over the last, from
//   the settings of conf/fms.ini as they are by default · ROOT and CONF · conf/fms.ini · the children of <Symbols> in
//   conf/substitution.xml · the files that its <KeyValueFile> elements name, of the form of fms.ini · --set
// and ${%NAME%} is the environment variable NAME. A definition may use symbols that were defined before it.
import { join, relative, resolve } from 'node:path';
import { ConfigError } from '../errors.ts';
import { readIfThere, readXmlIfThere } from './file.ts';
import { parseIni } from './ini.ts';
import { type Mistakes, THROWN } from './mistakes.ts';
import type { Note } from './note.ts';
import { SYMBOLS } from './schema/symbols.ts';
import type { XmlElement } from './xml.ts';

export interface Definition {
  value: string;
  /** `conf/fms.ini:2: NAME = value`; undefined: by default. */
  where: string | undefined;
}

/** Name → definition; `%NAME%` is looked up in the environment. */
export interface SymbolTable {
  get(name: string): Definition | undefined;
  /** For people: why there is no such definition, and what to do. */
  whyNot(name: string): string;
}

export interface Symbols extends SymbolTable {
  /** What applications' own files may refer to: their authors are not trusted with the server's secrets. */
  readonly forApplications: SymbolTable;
  readonly values: Readonly<Record<string, string>>;
  /** That substitution.xml names. */
  readonly files: readonly string[];
}

export interface SymbolSources {
  root: string;
  set: Readonly<Record<string, string>>;
  environment: Readonly<Record<string, string | undefined>>;
}

const REFERENCE = /\$\{([^${}]*)\}/g;
/** Accounts of the administration. */
const SECRET = /^SERVER\.ADMIN_/;

const IN_INI = 'in conf/fms.ini';

/** `text` with its symbols replaced. One that is not defined stays as it is and is handed to `onUndefined`, which may throw. */
export function substitute(
  text: string,
  table: Pick<SymbolTable, 'get'>,
  onUndefined: (name: string) => void,
): string {
  return text.replace(REFERENCE, (literal, name: string) => {
    const definition = table.get(name.trim());
    if (definition) return definition.value;
    onUndefined(name.trim());
    return literal;
  });
}

/** The symbols that `text` names. */
export function symbolsIn(text: string): string[] {
  return [...text.matchAll(REFERENCE)].map(([, name = '']) => name.trim());
}

export function loadSymbols(
  { root, set, environment }: SymbolSources,
  notes: Note[],
  mistakes: Mistakes = THROWN,
): Symbols {
  const conf = join(root, 'conf');
  const definitions = new Map<string, Definition>();
  /** Names whose definition needs what there is not → what that is. */
  const spoilt = new Map<string, string>();
  const table: SymbolTable = {
    get(name) {
      const variable = variableOf(name);
      if (variable === undefined) return definitions.get(name);
      const value = environment[variable];
      return value === undefined ? undefined : { value, where: `environment variable ${variable}` };
    },
    whyNot(name) {
      if (name === '') return '${} names no symbol';
      const variable = variableOf(name);
      if (variable !== undefined) return `the server was started without an environment variable ${variable}`;
      return `there is no symbol ${name}: ${spoilt.get(name) ?? `expected ${name} = … ${IN_INI}`}`;
    },
  };
  const isFixed = (name: string) => Object.hasOwn(set, name);
  const define = (name: string, raw: string, place: string | undefined) => {
    if (isFixed(name)) return;
    const missing: string[] = [];
    const value = substitute(raw, table, (reference) => missing.push(reference));
    const [first] = missing;
    if (first === undefined) {
      spoilt.delete(name);
      definitions.set(name, { value, where: place && `${place}: ${name} = ${raw}` });
      return;
    }
    // Only what refers to it is wrong: a warning here, a mistake there. What else stands in it may be secret, and is not said.
    const isKnown = spoilt.has(first) || variableOf(first) !== undefined;
    const reason = isKnown ? table.whyNot(first) : `there is no symbol ${first} before it`;
    const text = `${place ?? name}: ${reason}`;
    definitions.delete(name);
    spoilt.set(name, text);
    notes.push({ level: 'warn', text });
  };

  for (const [name, value] of Object.entries(set))
    definitions.set(name, { value, where: `--set ${name}=${value}` });
  for (const [name, value] of Object.entries(SYMBOLS)) define(name, value, undefined);
  define('ROOT', root, undefined);
  define('CONF', conf, undefined);
  const defineFile = (path: string, text: string) => {
    const file = nameOf(root, path);
    for (const [name, { value, line }] of parseIni(text, file, mistakes))
      define(name, value, `${file}:${line}`);
  };

  const ini = readIfThere(join(conf, 'fms.ini'), join('conf', 'fms.ini'));
  if (ini !== undefined) defineFile(join(conf, 'fms.ini'), ini);
  const files: string[] = [];
  const map = mistakes.attempt(
    () => readXmlIfThere(join(conf, 'substitution.xml'), join('conf', 'substitution.xml')),
    () => undefined,
  );
  if (map) {
    const { symbols, files: named } = readMap(map);
    for (const { name, text, file, line } of symbols) define(name, text, `${file}:${line}`);
    for (const element of named) {
      const path = resolve(
        conf,
        substitute(element.text, table, () => {}),
      );
      const text = readIfThere(path, nameOf(root, path));
      if (text === undefined) {
        throw new ConfigError('ERR_CONFIG_READ', `${element.file}:${element.line}: there is no file ${path}`);
      }
      defineFile(path, text);
      files.push(path);
    }
  }
  const values: Record<string, string> = Object.create(null);
  for (const [name, { value }] of definitions) values[name] = value;
  return {
    get: (name) => table.get(name),
    whyNot: (name) => table.whyNot(name),
    forApplications: {
      get: (name) => (name.startsWith('%') || SECRET.test(name) ? undefined : definitions.get(name)),
      whyNot(name) {
        const variable = variableOf(name);
        if (variable !== undefined) {
          const expected = `expected \${${variable}} here, and ${variable} = \${%${variable}%} ${IN_INI}`;
          return `only files in conf/ may refer to environment variables: ${expected}`;
        }
        if (SECRET.test(name))
          return `only files in conf/ may refer to ${name}: expected a symbol of another name`;
        return table.whyNot(name);
      },
    },
    values,
    files,
  };
}

/** Of `%NAME%`. */
function variableOf(name: string): string | undefined {
  return /^%(.+)%$/.exec(name)?.[1];
}

/** conf/substitution.xml: <Root> <Symbols> <NAME>value</NAME>… </Symbols> <KeyValueFile>path</KeyValueFile>… </Root> */
function readMap(root: XmlElement): { symbols: XmlElement[]; files: XmlElement[] } {
  const symbols: XmlElement[] = [];
  const files: XmlElement[] = [];
  const unknown = (element: XmlElement, expected: string) => {
    const { file, line, name } = element;
    return new ConfigError('ERR_CONFIG_ELEMENT', `${file}:${line}: <${name}>: expected ${expected}`);
  };
  if (root.name !== 'Root') throw unknown(root, '<Root>');
  for (const child of root.children) {
    if (child.name === 'KeyValueFile') files.push(child);
    else if (child.name === 'Symbols') {
      for (const inner of child.children) (inner.name === 'KeyValueFile' ? files : symbols).push(inner);
    } else throw unknown(child, '<Symbols> or <KeyValueFile>');
  }
  return { symbols, files };
}

function nameOf(root: string, path: string): string {
  const name = relative(root, path);
  return name.startsWith('..') ? path : name;
}
