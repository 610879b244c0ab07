// What a script uses and its Application.xml does not grant: hosts of fetch() and NetConnection, programs, secrets.
import type { ApplicationConfig } from '../config/application.ts';
import { type HostGrant, HostRules } from '../config/host-rules.ts';
import { holeProblems } from './check-exec.ts';
import type { UseFault } from './check-members.ts';
import { nodesOf, pathOf, type Syntax, type SyntaxNode, textOf } from './syntax.ts';

/** Names of URLs' schemes → the port that they mean by naming none. */
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': 443,
  'rtmp:': 1935,
  'rtmps:': 443,
};

/** Operators and statements in which a script asks whether something is there. */
const ASKS: readonly string[] = [
  'LogicalExpression',
  'ConditionalExpression',
  'IfStatement',
  'UnaryExpression',
];

export function findMissingGrants(
  { root, place }: Syntax,
  { jsEngine, exec, env }: Pick<ApplicationConfig, 'jsEngine' | 'exec' | 'env'>,
): UseFault[] {
  const nodes = [...nodesOf(root)];
  const parents = parentsOf(nodes);
  const faults: UseFault[] = [];
  const add = (node: SyntaxNode, message: string | undefined) => {
    if (message !== undefined) faults.push({ ...place(node), message });
  };
  const ownFetch = nodes.some(
    (node) => /^(Function|VariableDeclarator)/.test(node.type) && pathOf(node.id) === 'fetch',
  );
  const connections = connectionsOf(nodes);
  for (const node of nodes) {
    if (node.type === 'CallExpression') {
      const called = pathOf(node.callee);
      const [first, second] = node.arguments as SyntaxNode[];
      if (called === 'fetch' && !ownFetch)
        add(node, hostProblem('fetch', textOf(first), jsEngine.fetch, 'Fetch'));
      else if (called === 'application.exec') {
        const name = textOf(first);
        add(node, execProblem(name, exec));
        const grant = exec.find((one) => one.name === name);
        for (const problem of grant ? holeProblems(grant, second) : []) add(problem.node, problem.message);
      } else if (called?.endsWith('.connect') && connections.has(called.slice(0, -'.connect'.length))) {
        add(
          node,
          hostProblem('NetConnection.connect', textOf(first), jsEngine.netConnection, 'NetConnection'),
        );
      }
    } else if (node.type === 'MemberExpression') {
      const [, name] = /^application\.env\.(\w+)$/.exec(pathOf(node) ?? '') ?? [];
      if (name === undefined || name in env || ASKS.includes(parents.get(node)?.type ?? '')) continue;
      add(
        node,
        `application.env.${name} is not set: add ${name}=… to .env beside the script, or <${name}> to <Environment> in Application.xml`,
      );
    }
  }
  return faults;
}

/** `url` undefined: it is made while the script runs, so only the absence of any grant is a mistake. */
function hostProblem(
  what: string,
  url: string | undefined,
  grant: HostGrant,
  element: string,
): string | undefined {
  if (grant.hosts.length === 0)
    return `${what}: no host is granted: see <${element}> <Hosts> in Application.xml`;
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const usual = DEFAULT_PORTS[protocol];
  if (usual === undefined || hostname === '') return undefined;
  const target = { host: hostname, port: port === '' ? usual : Number(port), hasDefaultPort: port === '' };
  const problem = new HostRules(grant, element).problemWith(target);
  return problem && `${what}: ${problem}`;
}

function execProblem(name: string | undefined, grants: ApplicationConfig['exec']): string | undefined {
  const known = grants.map((grant) => grant.name);
  if (name === undefined ? known.length > 0 : known.includes(name)) return undefined;
  const what = name === undefined ? 'application.exec' : `application.exec('${name}')`;
  const granted = known.length > 0 ? `, which grants ${known.join(', ')}` : '';
  return `${what}: there is no <Exec> of that name in Application.xml${granted}`;
}

/** Names that a NetConnection is kept under. */
function connectionsOf(nodes: readonly SyntaxNode[]): Set<string | undefined> {
  const isMade = (value: unknown) => {
    const node = value as SyntaxNode | null | undefined;
    return node?.type === 'NewExpression' && pathOf(node.callee) === 'NetConnection';
  };
  return new Set(
    nodes.flatMap((node) => {
      if (node.type === 'VariableDeclarator' && isMade(node.init)) return [pathOf(node.id)];
      if (node.type === 'AssignmentExpression' && isMade(node.right)) return [pathOf(node.left)];
      return [];
    }),
  );
}

function parentsOf(nodes: readonly SyntaxNode[]): Map<unknown, SyntaxNode> {
  return new Map(
    nodes.flatMap((node) =>
      Object.values(node)
        .flat()
        .map((child) => [child, node] as const),
    ),
  );
}
