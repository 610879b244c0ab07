// Reads TypeScript just far enough to see words, strings and imports where a regular expression would also see them
// in comments and templates. (TypeScript 7 has no stable API, and esbuild drops type-only imports.)

export interface Token {
  kind: 'word' | 'string' | 'template' | 'regex' | 'punctuation';
  /** The word, the string without its quotes, or one punctuation character. */
  text: string;
  line: number;
}

export interface Import {
  /** What is imported; undefined when an `import()` computes it. */
  specifier: string | undefined;
  typeOnly: boolean;
  line: number;
}

/** The tokens of a source text, without comments; numbers come out as words. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  /** Open braces: true for the `${` of a template, whose text goes on after the brace. */
  const braces: boolean[] = [];
  let at = 0;
  let line = 1;

  function take(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0];
    if (found === undefined) return undefined;
    at += found.length;
    return found;
  }

  function push(kind: Token['kind'], text: string, raw: string): void {
    tokens.push({ kind, text, line });
    line += raw.split('\n').length - 1;
  }

  while (at < source.length) {
    const skipped = take(BLANK) ?? take(LINE_COMMENT) ?? take(BLOCK_COMMENT);
    if (skipped !== undefined) {
      line += skipped.split('\n').length - 1;
      continue;
    }
    const word = take(WORD);
    if (word !== undefined) {
      push('word', word, word);
      continue;
    }
    const quoted = take(QUOTED);
    if (quoted !== undefined) {
      push('string', quoted.slice(1, -1), quoted);
      continue;
    }
    const character = source[at]!;
    const resumesTemplate = character === '}' && braces.pop() === true;
    if (character === '`' || resumesTemplate) {
      const text = take(TEMPLATE_TEXT)!;
      push('template', text.replace(/^[`}]|`$|\$\{$/g, ''), text);
      if (text.endsWith('${')) braces.push(true);
      continue;
    }
    if (character === '/' && startsRegex(tokens.at(-1))) {
      const regex = take(REGEX);
      if (regex !== undefined) {
        push('regex', regex, regex);
        continue;
      }
    }
    if (character === '{') braces.push(false);
    at += 1;
    push('punctuation', character, character);
  }
  return tokens;
}

const BLANK = /\s+/y;
const LINE_COMMENT = /\/\/.*|^#!.*/y;
const BLOCK_COMMENT = /\/\*[\s\S]*?\*\//y;
const WORD = /[\p{ID_Start}\p{N}$_#][\p{ID_Continue}$]*/uy;
const QUOTED = /'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y;
/** From a backtick, or from the brace that ends a `${…}`, to the closing backtick or the next `${`. */
const TEMPLATE_TEXT = /[`}](?:\\[\s\S]|(?!\$\{)[^`\\])*(?:`|\$\{|$)/y;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/\w*/y;
const BEFORE_REGEX = new Set([
  'return',
  'typeof',
  'case',
  'in',
  'of',
  'void',
  'delete',
  'yield',
  'await',
  'else',
]);

/** A slash after a value divides; after anything else it opens a regular expression. */
function startsRegex(previous: Token | undefined): boolean {
  if (previous === undefined) return true;
  if (previous.kind === 'punctuation') return previous.text !== ')' && previous.text !== ']';
  return previous.kind === 'word' && BEFORE_REGEX.has(previous.text);
}

/** Every import of a module: statements, re-exports, `import()` calls and types, `require()`. */
export function importsOf(tokens: readonly Token[]): Import[] {
  const imports: Import[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== 'word' || isMember(tokens, i)) continue;
    const { line } = token;
    const next = tokens[i + 1];
    if (token.text === 'import' && next?.kind === 'string') {
      imports.push({ specifier: next.text, typeOnly: false, line });
    } else if ((token.text === 'import' || token.text === 'require') && isPunctuation(next, '(')) {
      const argument = tokens[i + 2];
      imports.push({
        specifier: argument?.kind === 'string' ? argument.text : undefined,
        typeOnly: false,
        line,
      });
    } else if (token.text === 'import' || token.text === 'export') {
      const specifier = fromClause(tokens, i + 1);
      if (specifier !== undefined) imports.push({ specifier, typeOnly: next?.text === 'type', line });
    }
  }
  return imports;
}

/** The string of a `… from '…'` whose clause starts at `i`: names, `*`, `{ … }`, `type`, and nothing else. */
function fromClause(tokens: readonly Token[], i: number): string | undefined {
  for (let at = i; at < tokens.length; at += 1) {
    const token = tokens[at]!;
    const following = tokens[at + 1];
    if (token.kind === 'word' && token.text === 'from' && following?.kind === 'string') return following.text;
    if (token.kind === 'punctuation' ? !'{},*'.includes(token.text) : token.kind !== 'word') return undefined;
    if (at > i && (token.text === 'import' || token.text === 'export')) return undefined;
  }
  return undefined;
}

/** Whether the token names a member of something: `a.import`, `a?.require`. */
export function isMember(tokens: readonly Token[], i: number): boolean {
  return isPunctuation(tokens[i - 1], '.') && !isPunctuation(tokens[i - 2], '.');
}

export function isPunctuation(token: Token | undefined, text: string): boolean {
  return token?.kind === 'punctuation' && token.text === text;
}
