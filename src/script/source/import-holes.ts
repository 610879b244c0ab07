// import() and require() of a name with a hole in it, as in `import('./rooms/' + name + '.ts')`. esbuild takes that for a pattern
// and looks through folders by itself, above the application's as well, so it is an error before esbuild bundles the file.
import type * as esbuild from 'esbuild';
import type { BuildFault } from './build-fault.ts';
import { transform } from './esbuild.ts';

const DYNAMIC = ['unsupported-dynamic-import', 'unsupported-require-call'];
const MESSAGE =
  'has a hole in the name of the file: import each file by its whole name, and choose among them';

/**
 * esbuild's own parser says where an argument is no plain string once constants are folded; what it says only while it does not
 * bundle. `file`: its name, for the fault.
 */
export async function findImportHole(
  text: string,
  loader: esbuild.Loader,
  file: string,
): Promise<BuildFault | undefined> {
  if (!mayHaveHole(text)) return undefined;
  const warnings = await transform(text, {
    loader,
    format: 'cjs', // of what it leaves as it is, esbuild says nothing
    logOverride: Object.fromEntries(DYNAMIC.map((id) => [id, 'warning'])),
    logLevel: 'silent',
    logLimit: 0,
    tsconfigRaw: '{}',
  }).then(
    (result) => result.warnings,
    () => [], // the bundle will say what is wrong with it
  );
  const lines = text.split(/\r\n|[\n\r\u2028\u2029]/);
  for (const { id, location } of warnings) {
    if (!DYNAMIC.includes(id) || !location) continue;
    const lineText = lines[location.line - 1] ?? '';
    // esbuild counts bytes from 0
    const column = Buffer.from(lineText).subarray(0, location.column).toString().length;
    const rest = [lineText.slice(column), ...lines.slice(location.line, location.line + 50)].join('\n');
    if (isWholeName(rest)) continue;
    const call = /^\w+/.exec(rest)?.[0] ?? 'import';
    return { file, line: location.line, column: column + 1, message: `${call}() ${MESSAGE}`, lineText };
  }
  return undefined;
}

const LITERAL_CALL = /\b(?:import|require)\s*\(\s*(?:'[^'\\\n]*'|"[^"\\\n]*")\s*[,)]/g;
/** Of a small letter, as in `\u0072equire`, which is the same name. */
const ESCAPED_LETTER = /\\u(?:00[67]|\{0*[67])/i;

/** False: there is none. True for the most of files that say import( or require( with anything but a name. */
function mayHaveHole(text: string): boolean {
  if (!text.includes('import') && !text.includes('require') && !text.includes('\\u')) return false;
  const rest = text.replace(LITERAL_CALL, '');
  return /\bimport\b\s*[.(/]|\brequire\b/.test(rest) || ESCAPED_LETTER.test(rest);
}

/** A pattern has a template, or a sum with a string or a constant; a comment could hide where the call ends. */
const NEEDED = new Set('+`\'"/\\');

/** `(name)`, `(names[i])`, `(nameOf(x))`: no pattern. Such a call fails when it is made, and packages guard it. */
function isWholeName(call: string): boolean {
  const argument = call.replace(/^\w+\s*/, '').replace(/^\(\s*(?:\/\*(?:[^*]|\*(?!\/))*\*\/\s*)*/, '(');
  let depth = 0;
  for (const character of argument) {
    if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    else if (NEEDED.has(character)) return false;
    if (depth === 0) return true;
  }
  return false;
}
