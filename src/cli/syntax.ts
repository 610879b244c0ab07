// A script's text as a tree, by acorn; text with a mistake in it as far as it can be understood.
import { type Node, type Options, parse } from 'acorn';
import { parse as parseLoosely } from 'acorn-loose';

/** Any node: `type` tells which, and its members differ. */
export interface SyntaxNode extends Node {
  readonly [member: string]: unknown;
}

export interface Syntax {
  readonly root: SyntaxNode;
  /** Of a node's beginning; both count from 1. */
  place(node: Node): { line: number; column: number };
}

export function parseScript(text: string): Syntax {
  const options = {
    ecmaVersion: 'latest',
    sourceType: 'script',
    locations: true,
    allowHashBang: true,
  } as const;
  let root: Node;
  try {
    root = parse(text, { ...options, allowReturnOutsideFunction: true });
  } catch {
    root = parsedLoosely(text, options);
  }
  return {
    root: root as SyntaxNode,
    place: ({ loc }) => ({ line: loc!.start.line, column: loc!.start.column + 1 }),
  };
}

/** Nothing, where it is nested too deep: V8 does not run it either. */
function parsedLoosely(text: string, options: Options): Node {
  try {
    return parseLoosely(text, options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return parse('', options);
  }
}

/** Every node below `root`, itself first, in the order of the text. */
export function* nodesOf(root: SyntaxNode): Generator<SyntaxNode> {
  const waiting: SyntaxNode[] = [root];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    yield node;
    const children = Object.values(node).flat().filter(isNode);
    waiting.push(...children.reverse());
  }
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string';
}

/** `application.room` for such an expression; undefined for any other than names with dots between them. */
export function pathOf(node: unknown): string | undefined {
  const names: string[] = [];
  let object = node;
  // not by recursion: programs write chains that have no end
  for (; isNode(object) && object.type === 'MemberExpression'; object = object.object) {
    const member = memberOf(object);
    if (member === undefined) return undefined;
    names.push(member);
  }
  if (!isNode(object)) return undefined;
  if (object.type === 'Identifier') names.push(String(object.name));
  else if (object.type === 'ThisExpression') names.push('this');
  else return undefined;
  return names.reverse().join('.');
}

/** The name behind the dot, or in brackets as a literal. */
export function memberOf({ property, computed }: SyntaxNode): string | undefined {
  if (!isNode(property)) return undefined;
  if (!computed) return property.type === 'Identifier' ? String(property.name) : undefined;
  return textOf(property);
}

/** Of a literal, or a template without holes. */
export function textOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined;
  if (node.type !== 'TemplateLiteral' || (node.expressions as unknown[]).length > 0) return undefined;
  const [quasi] = node.quasis as { value: { cooked: string } }[];
  return quasi?.value.cooked;
}
