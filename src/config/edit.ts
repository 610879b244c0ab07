// One value of an XML file changed, everything else of it left as its author wrote it.
import { XmlElement as ParsedElement, parseXml } from '@rgrove/parse-xml';

const INDENT = '  ';
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/**
 * `xml`: a file that can be parsed; undefined: there is none yet. `path`: names of elements below the root, `@name` at its end
 * for an attribute. Of several elements of one name the last, which is the one that counts; what is missing is made.
 */
export function setValue(
  xml: string | undefined,
  rootName: string,
  path: readonly string[],
  value: string,
): string {
  const text = (xml ?? `<?xml version="1.0" encoding="utf-8"?>\n<${rootName}>\n</${rootName}>\n`).replace(
    /^\ufeff/,
    '',
  );
  const names = path.filter((name) => !name.startsWith('@'));
  const attribute = path.find((name) => name.startsWith('@'))?.slice(1);
  let element = parseXml(text, { includeOffsets: true }).root;
  if (!element) throw new RangeError('an XML file without an element');
  for (const [depth, name] of names.entries()) {
    const children: ParsedElement[] = element.children.filter((node) => node instanceof ParsedElement);
    const child: ParsedElement | undefined = children.findLast((one) => one.name === name);
    if (!child)
      return insert(text, element, formatNew(names.slice(depth), attribute, value, depth + 1), depth);
    element = child;
  }
  const open = openTag(text, element);
  const { start, end, name } = element;
  const replaced =
    attribute === undefined
      ? `${open.replace(/\s*\/?>$/, '')}>${escapeXml(value)}</${name}>`
      : withAttribute(open, attribute, value) + text.slice(start + open.length, end);
  return text.slice(0, start) + replaced + text.slice(end);
}

/** `<A><B c="value"></B></A>`, on lines of their own. */
function formatNew(
  names: readonly string[],
  attribute: string | undefined,
  value: string,
  depth: number,
): string {
  const [name, ...inner] = names;
  const indent = INDENT.repeat(depth);
  if (inner.length > 0) {
    return `${indent}<${name}>\n${formatNew(inner, attribute, value, depth + 1)}${indent}</${name}>\n`;
  }
  const leaf =
    attribute === undefined
      ? `<${name}>${escapeXml(value)}</${name}>`
      : `<${name} ${attribute}="${escapeXml(value)}"/>`;
  return `${indent}${leaf}\n`;
}

/** As the last child. */
function insert(text: string, parent: ParsedElement, block: string, depth: number): string {
  const { start, end, name } = parent;
  const open = openTag(text, parent);
  const indent = INDENT.repeat(depth);
  if (open.endsWith('/>')) {
    const whole = `${open.replace(/\s*\/>$/, '')}>\n${block}${indent}</${name}>`;
    return text.slice(0, start) + whole + text.slice(end);
  }
  const close = text.lastIndexOf('</', end);
  const before = text.slice(0, close).replace(/[ \t]*$/, '');
  const newline = before.endsWith('\n') ? '' : '\n';
  return `${before}${newline}${block}${indent}${text.slice(close)}`;
}

/** `<A b=">">`: quotes may hold what would end it. */
function openTag(text: string, { start }: ParsedElement): string {
  const tag = /^<(?:"[^"]*"|'[^']*'|[^'">])*>/.exec(text.slice(start));
  if (!tag) throw new RangeError('an element without an opening tag');
  return tag[0];
}

function withAttribute(open: string, name: string, value: string): string {
  const there = new RegExp(`(\\s${name}\\s*=\\s*)(?:"[^"]*"|'[^']*')`);
  const written = `"${escapeXml(value)}"`;
  if (there.test(open)) return open.replace(there, (_, before: string) => before + written);
  return open.replace(/\s*(\/?)>$/, (_, slash: string) => ` ${name}=${written}${slash}>`);
}

function escapeXml(value: string): string {
  return value.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}
