// `node --import` this: tests find 'understudy/test' here, wherever they lie and however this package is installed.
import { registerHooks } from 'node:module';
import { extname } from 'node:path';

const kit = new URL(`./main${extname(import.meta.filename)}`, import.meta.url).href;

/**
 * `npm init` writes "type": "commonjs" into an application's package.json, or no type, of which Node would complain; its tests are
 * ES modules all the same, as its script is.
 */
function formatOf(url: string, format: string | null | undefined): string | null | undefined {
  if (format === 'commonjs-typescript') return 'module-typescript';
  return format ?? (url.startsWith('file:') && url.endsWith('.ts') ? 'module-typescript' : format);
}

registerHooks({
  load: (url, context, next) => next(url, { ...context, format: formatOf(url, context.format) }),
  resolve: (specifier, context, next) =>
    specifier === 'understudy/test' ? { url: kit, shortCircuit: true } : next(specifier, context),
});
