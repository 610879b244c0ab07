// `node --import` this: tests find 'understudy/test' here, wherever they lie and however this package is installed.
import { registerHooks } from 'node:module';
import { extname } from 'node:path';

const kit = new URL(`./main${extname(import.meta.filename)}`, import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'understudy/test' ? { url: kit, shortCircuit: true } : next(specifier, context),
});
