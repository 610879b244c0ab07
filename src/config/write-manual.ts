// npm run conf [FOLDER]: writes the files of conf/, or of another such folder, after a change of the schema.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatManual } from './manual.ts';

const CONF = process.argv[2] ?? join(import.meta.dirname, '../../conf');

for (const [path, text] of Object.entries(formatManual())) {
  mkdirSync(dirname(join(CONF, path)), { recursive: true });
  writeFileSync(join(CONF, path), text);
}
