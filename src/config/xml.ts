// XML text → plain tree, every element with its line. The parser beneath reads no document type and no external entity, and
// knows no entities but XML's own five.
import { XmlElement as ParsedElement, parseXml, XmlError, XmlText } from '@rgrove/parse-xml';
import { ConfigError } from '../errors.ts';

export interface XmlElement {
  readonly name: string;
  /** Without a prototype: any name is just a name. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Its own text, trimmed; that of its children is theirs. */
  readonly text: string;
  readonly children: readonly XmlElement[];
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** Some hundred times the longest file that Flash Media Server shipped. */
const MAX_CHARACTERS = 4 << 20;
/**
 * Tags, attributes, references to characters and symbols (${NAME}) are what takes time, some 10 µs each: text alone takes none. Flash Media Server's
 * longest file has some 400.
 */
const MAX_MARKUP = 10_000;
/** Other line ends than LF take time as well. */
const MAX_LINES = 50_000;
/** Levels of elements. Files of the server have up to ten. */
const MAX_DEPTH = 100;

const LF = 0x0a;
const CR = 0x0d;
const DOLLAR = 0x24;
const AMPERSAND = 0x26;
const LESS = 0x3c;
const EQUALS = 0x3d;

/** The root element. `file` is for errors, which begin with `file:line: `. */
export function parseXmlFile(text: string, file: string): XmlElement {
  if (text.length > MAX_CHARACTERS) {
    throw new ConfigError('ERR_CONFIG_SYNTAX', `longer than ${MAX_CHARACTERS} characters`, {
      place: { file },
    });
  }
  const excess = excessOf(text);
  if (excess !== undefined) {
    throw new ConfigError('ERR_CONFIG_SYNTAX', `more than ${excess}`, { place: { file } });
  }
  // the parser takes 16 µs for each CR
  const plain = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  const root = parse(plain, file);
  if (!root) throw new ConfigError('ERR_CONFIG_SYNTAX', 'there is no element', { place: { file, line: 1 } });
  const lineAt = lineCounter(plain);
  const convert = (element: ParsedElement, depth: number): XmlElement => {
    if (depth > MAX_DEPTH) throw tooDeep(file);
    const children = element.children.filter((node) => node instanceof ParsedElement);
    const texts = element.children.filter((node) => node instanceof XmlText);
    const line = lineAt(element.start);
    return {
      name: element.name,
      attributes: Object.assign(Object.create(null), element.attributes),
      text: texts
        .map((node) => node.text)
        .join('')
        .trim(),
      children: children.map((child) => convert(child, depth + 1)),
      file,
      line,
    };
  };
  return convert(root, 1);
}

function parse(text: string, file: string): ParsedElement | null {
  try {
    return parseXml(text, { includeOffsets: true }).root;
  } catch (error) {
    if (error instanceof XmlError) {
      // the parser's message goes on with its own place and an excerpt
      const [what = ''] = error.message.split(/ \(line \d+|\n/, 1);
      const place = { file, line: error.line };
      throw new ConfigError('ERR_CONFIG_SYNTAX', what, { cause: error, place });
    }
    // the parser descends by recursion: some thousand levels end the stack
    if (error instanceof RangeError) throw tooDeep(file, error);
    throw error;
  }
}

function tooDeep(file: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_CONFIG_SYNTAX', 'elements are nested too deep', { cause, place: { file } });
}

/** What there is too much of, by looking at each character once. */
function excessOf(text: string): string | undefined {
  let markup = 0;
  let lines = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === LESS || code === EQUALS || code === AMPERSAND || code === DOLLAR) markup += 1;
    else if (code === LF || code === CR) lines += 1;
  }
  if (markup > MAX_MARKUP) return `${MAX_MARKUP} tags, attributes, entities and symbols`;
  return lines > MAX_LINES ? `${MAX_LINES} lines` : undefined;
}

/** Offset → line. Elements come in the order of the text, so one walk through it serves all. */
function lineCounter(text: string): (offset: number) => number {
  let line = 1;
  let at = 0;
  return (offset) => {
    for (; at < offset; at++) {
      if (text[at] === '\n') line += 1;
    }
    return line;
  };
}
