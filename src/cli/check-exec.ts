// What a script puts into the holes of a command, as far as it can be read off: whether the grant's hole takes it.
import type { ExecGrant } from '../config/application.ts';
import { grantOf, type Hole, isHole, partsOf, refusalOf, valueProblem } from '../config/exec-argument.ts';
import { isNode, type SyntaxNode, textOf } from './syntax.ts';

/** Stands for what is only known when the script runs. */
const SOMETHING = 'x';

/** `values`: the second argument of application.exec. */
export function* holeProblems(
  grant: ExecGrant,
  values: unknown,
): Generator<{ node: SyntaxNode; message: string }> {
  if (!isNode(values) || values.type !== 'ObjectExpression') return;
  const holes = grant.args.flatMap((argument) => partsOf(argument).filter(isHole));
  const where = grantOf(grant);
  for (const property of values.properties as SyntaxNode[]) {
    const node = property.value;
    const name = nameOf(property);
    if (!isNode(node) || name === undefined) continue;
    for (const hole of holes.filter((one) => one.name === name)) {
      const value = valueFor(hole, node);
      const problem = value === undefined ? undefined : valueProblem(hole, value);
      if (value === undefined || problem === undefined) continue;
      yield { node, message: `application.exec('${grant.name}'): ${refusalOf(hole, value, problem, where)}` };
      break;
    }
  }
}

function nameOf({ key, computed }: SyntaxNode): string | undefined {
  if (computed === true || !isNode(key)) return undefined;
  return key.type === 'Identifier' ? String(key.name) : textOf(key);
}

/** A word is wrong as soon as a part of it is; whether the rest matches a pattern nobody knows before. */
function valueFor({ takes }: Hole, node: SyntaxNode): string | undefined {
  return takes === 'word' ? knownPart(node) : textOf(node);
}

/** Undefined: nothing of it is known. */
function knownPart(node: unknown): string | undefined {
  const text = textOf(node);
  if (text !== undefined || !isNode(node)) return text;
  if (node.type === 'TemplateLiteral')
    return (node.quasis as { value: { cooked: string } }[]).map(({ value }) => value.cooked).join(SOMETHING);
  if (node.type !== 'BinaryExpression' || node.operator !== '+') return undefined;
  const [left, right] = [knownPart(node.left), knownPart(node.right)];
  return left === undefined && right === undefined ? undefined : (left ?? SOMETHING) + (right ?? SOMETHING);
}
