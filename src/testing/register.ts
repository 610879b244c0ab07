// `node --import` this: tests find 'understudy/test' here, wherever they lie and however this package is installed.
import { registerHooks } from 'node:module';
import { extname } from 'node:path';

const kit = new URL(`./main${extname(import.meta.filename)}`, import.meta.url).href;

// `npm init` writes "type": "commonjs" into an application's package.json; its tests are ES modules all the same, as its script is.
const ES_MODULE: Record<string, string> = { 'commonjs-typescript': 'module-typescript' };

registerHooks({
  load: (url, context, next) =>
    next(url, { ...context, format: ES_MODULE[context.format ?? ''] ?? context.format }),
  resolve: (specifier, context, next) =>
    specifier === 'understudy/test' ? { url: kit, shortCircuit: true } : next(specifier, context),
});
