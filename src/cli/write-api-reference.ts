// npm run docs: writes applications/API.md anew, and what editors find beside it, after a change of understudy.d.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatReference, readDeclarations } from './api-reference.ts';
import { refreshAuthorFiles, TYPES_DIR } from './author-files.ts';

const APPLICATIONS = join(import.meta.dirname, '../../applications');

const source = readFileSync(join(TYPES_DIR, 'understudy.d.ts'), 'utf8');
writeFileSync(join(APPLICATIONS, 'API.md'), formatReference(readDeclarations(source)));
refreshAuthorFiles(APPLICATIONS);
