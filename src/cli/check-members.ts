// FMS's classes, functions and members that a script uses and that are not there. Which class an expression is of is taken from how
// FMS's scripts are written: handlers' parameters, prototypes, and what is made by `new` or Stream.get and kept under a name.
import { ABSENT_CLASSES, ABSENT_FUNCTIONS, ABSENT_MEMBERS, type KnownClass } from './fms-surface.ts';
import { memberOf, nodesOf, pathOf, type Syntax, type SyntaxNode } from './syntax.ts';

export interface UseFault {
  line: number;
  column: number;
  message: string;
}

/** Handler of application → the classes of its parameters. */
const PARAMETERS: Readonly<Record<string, readonly KnownClass[]>> = {
  onConnect: ['Client'],
  onConnectAccept: ['Client'],
  onConnectReject: ['Client'],
  onDisconnect: ['Client'],
  onPublish: ['Client', 'Stream'],
  onUnpublish: ['Client', 'Stream'],
  onPlay: ['Client', 'Stream'],
  onStop: ['Client', 'Stream'],
};
const FUNCTIONS: readonly string[] = ['FunctionExpression', 'ArrowFunctionExpression', 'FunctionDeclaration'];

export function findAbsentMembers({ root, place }: Syntax): UseFault[] {
  const nodes = [...nodesOf(root)];
  const own = declaredIn(nodes);
  const classes = classesOf(nodes);
  const methods = methodsIn(nodes);
  const faults: UseFault[] = [];
  const add = (node: SyntaxNode, name: string, instead: string) =>
    faults.push({ ...place(node), message: `${name} is not there: ${instead}` });
  for (const node of nodes) {
    const name = node.type === 'Identifier' ? String(node.name) : '';
    if (Object.hasOwn(ABSENT_CLASSES, name) && !own.has(name) && isUse(node, nodes)) {
      add(node, name, ABSENT_CLASSES[name]!);
    } else if (node.type === 'CallExpression') {
      const called = pathOf(node.callee) ?? '';
      if (Object.hasOwn(ABSENT_FUNCTIONS, called) && !own.has(called)) {
        add(node, `${called}()`, ABSENT_FUNCTIONS[called]!);
      }
    } else if (node.type === 'MemberExpression') {
      const member = memberOf(node);
      const known = classOf(node.object, classes);
      if (known === undefined || member === undefined || methods.has(member)) continue;
      if (Object.hasOwn(ABSENT_MEMBERS[known], member)) {
        const owner = known === 'application' ? 'application' : known;
        add(node, `${owner}.${member}`, ABSENT_MEMBERS[known][member]!);
      }
    }
  }
  return faults;
}

/** Names of a script's own: a class that it defines itself is there. */
function declaredIn(nodes: readonly SyntaxNode[]): Set<string> {
  const names = new Set<string>();
  for (const node of nodes) {
    const { id, params = [] } = node as { id?: SyntaxNode; params?: SyntaxNode[] };
    const isDeclaration = /^(Function|Class|VariableDeclarator)/.test(node.type);
    for (const name of [isDeclaration ? id : undefined, ...(params ?? [])]) {
      if (name?.type === 'Identifier') names.add(String(name.name));
    }
    if (node.type === 'AssignmentExpression') {
      const target = node.left as SyntaxNode;
      if (target.type === 'Identifier') names.add(String(target.name));
    }
  }
  return names;
}

/** Methods that the script gives to objects itself, under a name of Flash Media Server's. Handlers wait for the server's call. */
function methodsIn(nodes: readonly SyntaxNode[]): Set<string | undefined> {
  return new Set(
    nodes
      .filter(
        (node) => node.type === 'AssignmentExpression' && FUNCTIONS.includes((node.right as SyntaxNode).type),
      )
      .map(({ left }) => memberOf(left as SyntaxNode))
      .filter((name) => name !== undefined && !/^on[A-Z]/.test(name)),
  );
}

/** Not the name of a member (`my.File`) nor of a property (`{ File: 1 }`). */
function isUse(node: SyntaxNode, nodes: readonly SyntaxNode[]): boolean {
  return !nodes.some(
    (outer) =>
      (outer.type === 'MemberExpression' && outer.property === node && !outer.computed) ||
      ((outer.type === 'Property' || outer.type === 'MethodDefinition') &&
        outer.key === node &&
        !outer.computed &&
        !outer.shorthand),
  );
}

/** `who`, `application.room` → what it is, as far as the text shows. A name that stands for several things is none of them. */
function classesOf(nodes: readonly SyntaxNode[]): Map<string, KnownClass | undefined> {
  const classes = new Map<string, KnownClass | undefined>([['application', 'application']]);
  const note = (name: string | undefined, known: KnownClass | undefined) => {
    if (name === undefined || known === undefined) return;
    classes.set(name, classes.has(name) && classes.get(name) !== known ? undefined : known);
  };
  for (const node of nodes) {
    if (node.type === 'VariableDeclarator') note(pathOf(node.id), madeBy(node.init));
    if (node.type !== 'AssignmentExpression') continue;
    note(pathOf(node.left), madeBy(node.right));
    const handler = /^application\.(\w+)$/.exec(pathOf(node.left) ?? '')?.[1] ?? '';
    const value = node.right as SyntaxNode;
    if (!Object.hasOwn(PARAMETERS, handler) || !FUNCTIONS.includes(value.type)) continue;
    const params = value.params as SyntaxNode[];
    for (const [i, known] of PARAMETERS[handler]!.entries()) note(pathOf(params[i]), known);
  }
  return classes;
}

function madeBy(value: unknown): KnownClass | undefined {
  const node = value as SyntaxNode | null | undefined;
  if (node?.type === 'CallExpression' && pathOf(node.callee) === 'Stream.get') return 'Stream';
  if (node?.type !== 'NewExpression') return undefined;
  const name = pathOf(node.callee);
  return name === 'NetConnection' || name === 'NetStream' ? name : undefined;
}

function classOf(
  object: unknown,
  classes: ReadonlyMap<string, KnownClass | undefined>,
): KnownClass | undefined {
  const path = pathOf(object);
  if (path === undefined) return madeBy(object);
  const prototype = /^(Client|Stream|NetConnection|NetStream)(\.prototype)?$/.exec(path);
  return (prototype?.[1] as KnownClass | undefined) ?? classes.get(path);
}
