// npm run docs: writes applications/API.md and what editors find beside it (after a change of the types), docs/log-events.md, and the list of files
// in docs/architecture.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatReference, readDeclarations } from './api-reference.ts';
import { refreshAuthorFiles, TYPES_DIR } from './author-files.ts';
import { withFileList } from './files-page.ts';
import { formatLogEvents } from './log-events-page.ts';

const APPLICATIONS = join(import.meta.dirname, '../../applications');
const DOCS = join(import.meta.dirname, '../../docs');

const declarationsIn = (file: string) => readDeclarations(readFileSync(join(TYPES_DIR, file), 'utf8'));

const text = formatReference(declarationsIn('understudy.d.ts'), declarationsIn('understudy-test.d.ts'));
writeFileSync(join(APPLICATIONS, 'API.md'), text);
refreshAuthorFiles(APPLICATIONS);
writeFileSync(join(DOCS, 'log-events.md'), formatLogEvents());
const architecture = join(DOCS, 'architecture.md');
writeFileSync(architecture, withFileList(readFileSync(architecture, 'utf8')));
