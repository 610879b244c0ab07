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

/** The root element. `file` is for errors, which begin with `file:line: `. */
export function parseXmlFile(text: string, file: string): XmlElement {
  if (text.length > MAX_CHARACTERS) {
    throw new ConfigError('ERR_CONFIG_SYNTAX', `longer than ${MAX_CHARACTERS} characters`, {
      place: { file },
    });
  }
  const plain = text.replace(/^\ufeff/, '');
  const root = parse(plain, file);
  if (!root) throw new ConfigError('ERR_CONFIG_SYNTAX', 'there is no element', { place: { file, line: 1 } });
  const lineAt = lineCounter(plain);
  const convert = (element: ParsedElement): XmlElement => {
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
      children: children.map(convert),
      file,
      line,
    };
  };
  return convert(root);
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
    if (error instanceof RangeError) {
      throw new ConfigError('ERR_CONFIG_SYNTAX', 'elements are nested too deep', {
        cause: error,
        place: { file },
      });
    }
    throw error;
  }
}

/** Offset → line. Elements come in the order of the text, so one walk through it serves all. */
function lineCounter(text: string): (offset: number) => number {
  let line = 1;
  let at = 0;
  return (offset) => {
    for (; at < offset; at++) {
      const end = text[at] === '\n' || (text[at] === '\r' && text[at + 1] !== '\n');
      if (end) line += 1;
    }
    return line;
  };
}
