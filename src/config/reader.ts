// Files → values, by a schema. Several files may be laid over each other (a virtual host's Application.xml and that of an
// application): the last that says something counts, unless the one before forbids it with override="no".
import { ConfigError, type ConfigPlace, formatPlace } from '../errors.ts';
import type { Free, FreeValues, Group, Leaf, List, Members, Node, Read } from './element.ts';
import { type Mistakes, THROWN } from './mistakes.ts';
import type { Note } from './note.ts';
import { SYMBOLS } from './schema/symbols.ts';
import { type SymbolTable, substitute, symbolsIn } from './symbols.ts';
import type { XmlElement } from './xml.ts';

/** A file's element, and what its author may use. */
export interface Layer {
  element: XmlElement;
  symbols: SymbolTable;
  /** Of one setting: some are lists, which take time to read. Undefined: any. */
  maxCharacters?: number;
}

/** Of a value that changes nothing. */
const MAX_SAID = 200;

/** What was read of an element with others in it → where that stands. */
const places = new WeakMap<object, ConfigPlace>();

/** Undefined: no file has it, or it was not read from one. */
export function placeOfRead(values: object): ConfigPlace | undefined {
  return places.get(values);
}

interface GivenText {
  raw: string;
  layer: Layer;
}

export class Reader {
  readonly #symbols: SymbolTable;
  readonly #notes: Note[];
  readonly #mistakes: Mistakes;

  /** `symbols` are those in the defaults; `notes` gets what does not stop anything. */
  constructor(symbols: SymbolTable, notes: Note[], mistakes: Mistakes = THROWN) {
    this.#symbols = symbols;
    this.#notes = notes;
    this.#mistakes = mistakes;
  }

  #check(work: () => void): void {
    this.#mistakes.attempt(work, () => {});
  }

  /** `layers` are root elements, the one that counts most at the end. A ConfigError says file, line and what was expected. */
  read<M extends Members>(rootName: string, schema: Group<M>, layers: readonly Layer[]): Read<Group<M>> {
    for (const { element } of layers) {
      if (element.name !== rootName) throw unexpected(element, `<${element.name}>: expected <${rootName}>`);
    }
    return this.#node(rootName, schema, layers) as Read<Group<M>>;
  }

  #node(path: string, node: Node, layers: readonly Layer[]): unknown {
    switch (node.kind) {
      case 'leaf':
        for (const { element } of layers) this.#check(() => this.#checkLeaf(element));
        return this.#leaf(
          path,
          node,
          layers.map((layer) => ({ raw: layer.element.text, layer })),
        );
      case 'group':
        return this.#group(path, node, layers);
      case 'list':
        return this.#list(path, node, layers);
      case 'free':
        return this.#free(node, layers);
      case 'unused':
        for (const { element } of layers) this.#unused(path, node.harmless, element, element.text);
        return undefined;
    }
  }

  #group(path: string, group: Group<Members>, layers: readonly Layer[]): Record<string, unknown> {
    for (const { element } of layers) this.#checkGroup(group, element);
    const values: Record<string, unknown> = {};
    const last = layers.at(-1);
    if (last) places.set(values, placeOf(last.element));
    for (const [key, member] of Object.entries(group.members)) {
      const isText = key === '#text';
      if (isText || key.startsWith('@')) {
        const texts = layers.flatMap((layer): GivenText[] => {
          const raw = isText ? layer.element.text : layer.element.attributes[key.slice(1)];
          return raw === undefined ? [] : [{ raw, layer }];
        });
        const place = isText ? path : `${path}${key}`;
        if (member.kind === 'leaf') {
          const what = isText ? 'text' : `attribute ${key.slice(1)}`;
          this.#check(() => requireText(member, what, texts, layers));
          values[key] = this.#leaf(place, member, texts);
        } else if (member.kind === 'unused') {
          for (const { raw, layer } of texts) this.#unused(place, member.harmless, layer.element, raw);
        }
        continue;
      }
      const children = this.#childrenOf(layers, key, member);
      if (member.kind === 'leaf') {
        const texts = children.map((layer): GivenText => ({ raw: layer.element.text, layer }));
        this.#check(() => requireText(member, `<${key}>`, texts, layers));
      }
      const value = this.#node(`${path}/${key}`, member, children);
      if (member.kind !== 'unused') values[key] = value;
    }
    return values;
  }

  /** The elements of that name in all layers, without those that an earlier layer forbids. */
  #childrenOf(layers: readonly Layer[], name: string, node: Node): Layer[] {
    const names = node.kind === 'group' && node.alias !== undefined ? [name, node.alias] : [name];
    const found: Layer[] = [];
    let fixedBy: XmlElement | undefined;
    for (const layer of layers) {
      const { element } = layer;
      const own = element.children.filter((child) => names.includes(child.name));
      if (fixedBy && fixedBy.file !== element.file) {
        for (const child of own) {
          const text = `${place(child)}: <${child.name}> is ignored: ${place(fixedBy)} has override="no"`;
          this.#notes.push({ level: 'warn', text });
        }
        continue;
      }
      for (const child of own) {
        found.push({ ...layer, element: child });
        if (child.attributes.override?.toLowerCase() === 'no') fixedBy = child;
      }
    }
    return found;
  }

  #list(
    path: string,
    { item, atLeastOne, key }: List<Leaf<unknown> | Group<Members>>,
    layers: readonly Layer[],
  ): unknown[] {
    const lastFile = layers.at(-1)?.element.file;
    const items = layers.filter(({ element }) => element.file === lastFile && !isLock(element));
    if (items.length === 0) return atLeastOne ? [this.#node(path, item, [])] : [];
    const firsts = new Map<unknown, XmlElement>();
    return items.map((layer) => {
      const value = this.#node(path, item, [layer]);
      if (key !== undefined) {
        this.#check(() => requireNew((value as Record<string, unknown>)[key], layer.element, firsts));
      }
      return value;
    });
  }

  #leaf(path: string, node: Leaf<unknown>, texts: readonly GivenText[]): unknown {
    return this.#mistakes.attempt(
      () => this.#leafAsGiven(path, node, texts),
      () => this.#builtIn(node),
    );
  }

  /** What stands in for a value with a mistake while others are looked for. A symbol can be the mistake, so it has its own default. */
  #builtIn(node: Leaf<unknown>): unknown {
    const get = (name: string) => {
      const value = Object.hasOwn(SYMBOLS, name) ? SYMBOLS[name] : undefined;
      return value === undefined ? this.#symbols.get(name) : { value, where: undefined };
    };
    return node.value.parse(substitute(node.default, { get }, () => {}));
  }

  #leafAsGiven(path: string, node: Leaf<unknown>, texts: readonly GivenText[]): unknown {
    for (const { raw, layer } of texts.toReversed()) {
      const { element, symbols, maxCharacters = Infinity } = layer;
      const short = path.slice(path.lastIndexOf('/') + 1);
      if (raw.length > maxCharacters) {
        const what = `${short} has ${raw.length} characters: expected at most ${maxCharacters}`;
        throw new ConfigError('ERR_CONFIG_VALUE', what, { place: placeOf(element) });
      }
      const text = substituted(raw, symbols, element);
      if (text === '' && !node.value.takesEmpty) continue;
      const origin = symbolsIn(raw).flatMap((name) => symbols.get(name)?.where ?? []);
      const from = origin.length > 0 ? ` (${origin.join('; ')})` : '';
      return parse(node, text, { element, what: `${short} = ${text}${from}` });
    }
    const text = substitute(node.default, this.#symbols, (name) => {
      throw new ConfigError('ERR_CONFIG_VALUE', this.#symbols.whyNot(name));
    });
    const origin = symbolsIn(node.default).flatMap((name) => this.#symbols.get(name)?.where ?? []);
    return parse(node, text, { what: origin[0] });
  }

  #free(_node: Free, layers: readonly Layer[]): FreeValues {
    const convert = (element: XmlElement, symbols: SymbolTable): FreeValues | string => {
      if (element.children.length === 0) {
        return this.#mistakes.attempt(
          () => substituted(element.text, symbols, element),
          () => '',
        );
      }
      const values: Record<string, FreeValues | string> = Object.create(null);
      for (const child of element.children) values[child.name] = convert(child, symbols);
      return values;
    };
    const last = layers.at(-1);
    const values = last && convert(last.element, last.symbols);
    return typeof values === 'object' ? values : {};
  }

  #unused(path: string, harmless: readonly string[] | undefined, element: XmlElement, raw: string): void {
    const text = substitute(raw, this.#symbols, () => {});
    const short = path.slice(path.indexOf('/') + 1);
    if (harmless && text !== '' && !harmless.includes(text.toLowerCase())) {
      const what = `${place(element)}: ${short} = ${text.slice(0, MAX_SAID)}: not supported, it has no effect`;
      this.#notes.push({ level: 'warn', text: what });
    } else {
      this.#notes.push({ level: 'debug', text: `${place(element)}: ${short} is not used` });
    }
  }

  #checkLeaf(element: XmlElement): void {
    const [child] = element.children;
    if (child) throw unexpected(child, `<${child.name}> in <${element.name}>: expected a text only`);
    checkAttributes(element, []);
  }

  #checkGroup({ members }: Group<Members>, element: XmlElement): void {
    const keys = Object.keys(members);
    const attributes = keys.filter((key) => key.startsWith('@')).map((key) => key.slice(1));
    this.#check(() => checkAttributes(element, attributes));
    this.#check(() => {
      if (element.text === '' || keys.includes('#text')) return;
      const what = `${JSON.stringify(element.text.slice(0, 40))} in <${element.name}>`;
      throw unexpected(element, `${what}: expected elements only`);
    });
    const seen = new Map<string, XmlElement>();
    for (const child of element.children) this.#check(() => checkChild(child, element, members, seen));
  }
}

/** `seen`: the children before it, by their keys. */
function checkChild(
  child: XmlElement,
  { name: owner }: XmlElement,
  members: Members,
  seen: Map<string, XmlElement>,
): void {
  const keys = Object.keys(members);
  const key = keys.find((name) => name === child.name || aliasOf(members[name]) === child.name);
  if (key === undefined || key === '#text') {
    const names = keys.filter((name) => /^[^@#]/.test(name));
    const expected = names.length > 0 ? `one of ${names.join(', ')}` : 'no elements';
    throw unexpected(child, `<${child.name}> is unknown in <${owner}>: expected ${expected}`);
  }
  const before = seen.get(key);
  if (before && members[key]?.kind !== 'list' && members[key]?.kind !== 'unused') {
    throw unexpected(child, `<${child.name}> a second time: expected one, line ${before.line} has it`);
  }
  seen.set(key, child);
}

/** A reference that stayed where a secret or a folder should be would be found much later, and far away. */
function substituted(raw: string, symbols: SymbolTable, element: XmlElement): string {
  return substitute(raw, symbols, (name) => {
    throw new ConfigError('ERR_CONFIG_VALUE', symbols.whyNot(name), { place: placeOf(element) });
  });
}

function parse(
  node: Leaf<unknown>,
  text: string,
  origin: { element?: XmlElement; what: string | undefined },
): unknown {
  try {
    return node.value.parse(text);
  } catch (error) {
    if (!(error instanceof ConfigError) || origin.what === undefined) throw error;
    const what = `${origin.what}: ${error.message}`;
    throw new ConfigError(error.code, what, {
      cause: error,
      ...(origin.element && { place: placeOf(origin.element) }),
    });
  }
}

/** Where an element stands at all: what it must have is not made up from the default. */
function requireText(
  node: Leaf<unknown>,
  what: string,
  texts: readonly GivenText[],
  [owner]: readonly Layer[],
): void {
  if (!node.isRequired || !owner || texts.some(({ raw }) => raw !== '')) return;
  const { name } = owner.element;
  throw unexpected(owner.element, `<${name}> has no ${what}: expected ${node.value.expected}`);
}

/** `<Exec override="no"/>`: no item of a list, but what forbids those of the applications. */
function isLock({ attributes, children, text }: XmlElement): boolean {
  const isEmpty = children.length === 0 && text === '' && Object.keys(attributes).length === 1;
  return isEmpty && attributes.override?.toLowerCase() === 'no';
}

function requireNew(value: unknown, element: XmlElement, firsts: Map<unknown, XmlElement>): void {
  const first = firsts.get(value);
  if (first) {
    throw unexpected(element, `<${element.name}> ${value} a second time: line ${first.line} has it already`);
  }
  firsts.set(value, element);
}

function aliasOf(node: Node | undefined): string | undefined {
  return node?.kind === 'group' ? node.alias : undefined;
}

function placeOf({ file, line }: XmlElement): { file: string; line: number } {
  return { file, line };
}

function place(element: XmlElement): string {
  return formatPlace(placeOf(element));
}

function checkAttributes(element: XmlElement, known: string[]): void {
  const name = Object.keys(element.attributes).find((one) => one !== 'override' && !known.includes(one));
  if (name === undefined) return;
  const expected = known.length > 0 ? `one of ${known.join(', ')}` : 'no attributes';
  throw unexpected(element, `the attribute ${name} is unknown in <${element.name}>: expected ${expected}`);
}

function unexpected(element: XmlElement, what: string): ConfigError {
  return new ConfigError('ERR_CONFIG_ELEMENT', what, { place: placeOf(element) });
}
