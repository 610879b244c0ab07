// understudy.d.ts and understudy-test.d.ts → applications/API.md. The file is ours and formatted: declarations begin a line, members are indented by two.

export interface Declaration {
  /** `interface Stream`, `declare const console`, `type RecordMode`, … */
  readonly kind: string;
  readonly name: string;
  readonly doc: string[];
  /** The whole of what has no members; else its first line, without the brace. */
  readonly text: string;
  readonly members: readonly Member[];
}

export interface Member {
  /** `new` of a constructor, `[]` of an index, `()` of a call. */
  readonly name: string;
  readonly doc: string[];
  readonly text: string;
}

const DECLARATION = /^(?:declare )?(interface|const|var|class|function|type) (\w+)/;
/** `onPlay?: …`, `readonly name: …`, `get<T>(…`, `new (…`, `static any(…`, `get url(): …`; nothing is private but constructors. */
const MEMBER = /^ {2}(?:readonly |static |get (?=\w)|set (?=\w))*(\w+|\[|\()/;

const NAMES: Readonly<Record<string, string>> = { '[': '[]', '(': '()' };

/**
 * Those of the global scope, or, if it has nothing but one module, those of it. A SyntaxError says which line it does not
 * understand.
 */
export function readDeclarations(source: string): Declaration[] {
  const lines = linesOf(source);
  const declarations: Declaration[] = [];
  let doc: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]!;
    const comment = readComment(lines, at, '');
    if (comment) {
      [doc, at] = comment;
      continue;
    }
    const [, kind, name] = DECLARATION.exec(line) ?? [];
    if (kind && name) {
      const hasMembers = line.endsWith(' {');
      const end = hasMembers ? lines.findIndex((one, i) => i > at && /^\};?$/.test(one)) : endOf(lines, at);
      const members = hasMembers ? readMembers(lines, at + 1, end) : [];
      const text = hasMembers ? line.slice(0, -' {'.length) : lines.slice(at, end + 1).join('\n');
      declarations.push({ kind, name, doc, text: text.replace(/^declare /, ''), members });
      at = end + 1;
    } else if (line === '' || line.startsWith('//')) at += 1;
    else throw new SyntaxError(`line ${at + 1}: ${line}`);
    doc = [];
  }
  return declarations;
}

/** Lines that are left out are empty: numbers of lines stay what they are. */
function linesOf(source: string): string[] {
  const lines = source.split('\n');
  const begin = lines.findIndex((line) => /^declare module .* \{$/.test(line));
  if (begin < 0) return lines;
  return lines.map((line, i) =>
    i <= begin || line === '}' ? '' : line.replace(/^ {2}/, '').replace(/^export /, ''),
  );
}

function readMembers(lines: readonly string[], from: number, to: number): Member[] {
  const members: Member[] = [];
  let doc: string[] = [];
  for (let at = from; at < to; ) {
    const comment = readComment(lines, at, '  ');
    if (comment) {
      [doc, at] = comment;
      continue;
    }
    const line = lines[at]!;
    const [, name] = MEMBER.exec(line) ?? [];
    if (name) {
      const end = endOf(lines, at);
      const text = lines.slice(at, end + 1).map((one) => one.slice(2));
      if (line !== '  private constructor();')
        members.push({ name: NAMES[name] ?? name, doc, text: text.join('\n') });
      at = end + 1;
    } else if (line === '' || line.startsWith('  //')) at += 1;
    else throw new SyntaxError(`line ${at + 1}: ${line}`);
    doc = [];
  }
  return members;
}

/** Its lines and where it ends. */
function readComment(lines: readonly string[], at: number, indent: string): [string[], number] | undefined {
  const first = lines[at]!;
  if (!first.startsWith(`${indent}/**`)) return undefined;
  const single = /^\s*\/\*\* (.*) \*\/$/.exec(first)?.[1];
  if (single !== undefined) return [[single], at + 1];
  const end = lines.findIndex((line, i) => i > at && line === `${indent} */`);
  if (end < 0) throw new SyntaxError(`line ${at + 1}: a comment without an end`);
  const inside = lines.slice(at + 1, end).map((line) => line.slice(indent.length + ' * '.length));
  return [inside, end + 1];
}

/** The line with the semicolon behind the last bracket, or of a body that is written in one line. */
function endOf(lines: readonly string[], at: number): number {
  let depth = 0;
  for (let i = at; i < lines.length; i += 1) {
    const line = lines[i]!.replace(/'[^']*'/g, '');
    for (const character of line) {
      if ('([{'.includes(character)) depth += 1;
      else if (')]}'.includes(character)) depth -= 1;
    }
    if (depth === 0 && /[;}]$/.test(line)) return i;
  }
  throw new SyntaxError(`line ${at + 1}: a declaration without an end`);
}

/** What nobody has said anything about, as `Stream.record`. What others have specified they have described: `@see`. */
export function undocumented(declarations: readonly Declaration[]): string[] {
  return declarations.flatMap(({ kind, name, doc, members }) => {
    if (doc.some((line) => line.startsWith('@see '))) return [];
    const said = new Set(members.filter((member) => member.doc.length > 0).map((member) => member.name));
    const silent = members.filter((member) => !said.has(member.name) && member.name !== 'prototype');
    const isSaid = declarations.some((one) => one.name === name && one.doc.length > 0);
    // an alias is its own explanation, a constructor's interface is that of its class
    const own = isSaid || kind === 'type' || name.endsWith('Constructor') ? [] : [name];
    return [...own, ...silent.map((member) => `${name}.${member.name}`)];
  });
}

const HEAD = `# What scripts find

The global scope of scripts, in the order of [understudy.d.ts](understudy.d.ts), from which \`npm run docs\` generates this file.
[README.md](README.md) is the guide. The API of tests is [below](#what-tests-find).
`;
const HEAD_OF_TESTS = `# What tests find

The exports of \`understudy/test\` for \`*.test.ts\`, in the order of [understudy-test.d.ts](understudy-test.d.ts).
`;

export function formatReference(
  declarations: readonly Declaration[],
  ofTests: readonly Declaration[],
): string {
  const text = `${HEAD}\n${formatAll(declarations)}\n${HEAD_OF_TESTS}\n${formatAll(ofTests)}`;
  return `${text.replace(/\n{3,}/g, '\n\n').trimEnd()}\n`;
}

function formatAll(declarations: readonly Declaration[]): string {
  const headings = declarations.filter(
    (declaration) => declaration.kind !== 'type' && !isPartOfAnother(declaration, declarations),
  );
  const seen: string[] = [];
  const list = headings
    .map(({ name }) => {
      const anchor = name.toLowerCase();
      const before = seen.filter((one) => one === anchor).length; // as GitHub numbers them
      seen.push(anchor);
      return `[${name}](#${anchor}${before === 0 ? '' : `-${before}`})`;
    })
    .join(' · ');
  const parts = declarations.map((declaration) => formatDeclaration(declaration, declarations));
  return `${list}\n\n${parts.join('')}`;
}

function formatDeclaration(declaration: Declaration, all: readonly Declaration[]): string {
  const { kind, name, doc, text, members } = declaration;
  const isConstructor = name.endsWith('Constructor') && all.some((one) => one.text.endsWith(`: ${name};`));
  // `var Stream: StreamConstructor` says less than the two of which it consists
  const isPlain = kind === 'var' || isConstructor;
  const isPart = isPartOfAnother(declaration, all);
  const head = isPart ? '' : `## ${name}\n\n`;
  const code = isPlain || members.length > 0 ? '' : fenced(text);
  const said = doc.length > 0 ? `${formatDoc(doc)}\n` : '';
  const intro = head + code + (isPart && kind === 'var' ? '' : said);
  if (members.length === 0) return intro;
  const isTheirs = doc.some((line) => line.startsWith('@see '));
  const holder = isConstructor ? name.slice(0, -'Constructor'.length) : holderOf(name);
  return intro + formatMembers(holder, members, isTheirs);
}

/** Of one heading: what has the same name, `Application` of `application`, and the static side of a class. */
function isPartOfAnother(declaration: Declaration, all: readonly Declaration[]): boolean {
  const { name } = declaration;
  const isOf = (one: Declaration) => one.kind === 'const' && one.text === `const ${one.name}: ${name};`;
  const isStatic = name.endsWith('Constructor') && all.some((one) => one.text.endsWith(`: ${name};`));
  const before = all.slice(0, all.indexOf(declaration));
  return isStatic || before.some((one) => one.name === name || isOf(one));
}

function holderOf(name: string): string {
  const own = ['Application', 'Client', 'Stream', 'Job', 'Store'];
  if (name === 'Store') return 'application.store';
  return own.includes(name) ? name.toLowerCase() : name;
}

/** Facts go into a table; what others have specified is only named. */
function formatMembers(holder: string, members: readonly Member[], isTheirs: boolean): string {
  if (isTheirs) {
    const lines = members.map(({ doc, text }) =>
      doc.length === 0 ? text : `/** ${doc.join(' ')} */\n${text}`,
    );
    return fenced(lines.join('\n'));
  }
  const facts = members.flatMap(factOf);
  if (facts.length === members.length && facts.length > 0) return `${TABLE}${facts.join('')}\n`;
  const byName = Map.groupBy(
    members.filter(({ name }) => name !== 'prototype'),
    ({ name }) => name,
  );
  return [...byName]
    .map(([name, overloads]) => {
      const code = fenced(overloads.map(({ text }) => text).join('\n'));
      const docs = overloads.filter(({ doc }) => doc.length > 0).map(({ doc }) => `${formatDoc(doc)}\n`);
      return `### ${titleOf(holder, name)}\n\n${code}${docs.join('')}`;
    })
    .join('');
}

const TABLE = '| | | |\n|---|---|---|\n';

/** A property of one line, with what is said of it in one; nothing for any other. */
function factOf({ doc, text }: Member): string[] {
  const [, name, type] = /^(?:readonly )?(\w+\??): ([^\n]*);$/.exec(text) ?? [];
  if (name === undefined || type === undefined || doc.length !== 1 || type.includes('=>')) return [];
  return [`| \`${name}\` | \`${type.replaceAll('|', '\\|')}\` | ${doc[0]!.replaceAll('|', '\\|')} |\n`];
}

function titleOf(holder: string, name: string): string {
  if (name === 'new' || name === 'constructor') return `new ${holder}`;
  if (name === '()') return `${holder}()`;
  return name === '[]' ? `${holder}[…]` : `${holder}.${name}`;
}

function fenced(code: string): string {
  return `\`\`\`ts\n${code}\n\`\`\`\n\n`;
}

/** What stands in a comment is Markdown already, but for its tags. */
function formatDoc(doc: readonly string[]): string {
  let text = '';
  let isExample = false;
  for (const line of doc) {
    const [, tag, rest = ''] = /^@(\w+) ?(.*)$/.exec(line) ?? [];
    if (tag !== undefined && isExample) text += '```\n';
    if (tag !== undefined) isExample = tag === 'example';
    if (tag === 'example') text += `${text.endsWith('\n\n') || text === '' ? '' : '\n'}\`\`\`ts\n`;
    else if (tag === 'param') text += `- ${rest.replace(/^(\w+) - /, '`$1`: ')}\n`;
    else if (tag === 'returns') text += `\nReturns ${rest}\n`;
    else if (tag === 'throws') text += `\nThrows a ${rest}\n`;
    else if (tag === 'see') text += `\nSee ${rest.replace(/https:\S+/g, '<$&>')}\n`;
    else text += `${line}\n`;
  }
  return isExample ? `${text}\`\`\`\n` : text;
}
