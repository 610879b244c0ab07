// docs/admin-api.md: the routes and methods that it lists are those that there are.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { METHOD_TABLES } from '../../src/admin/ams-api/methods.ts';
import { AdminCore } from '../support/admin.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/admin-api.md'), 'utf8');

test('docs/admin-api.md has a row for each route of /api/v1', async () => {
  await using world = await AdminCore.start();
  const { body } = await world.request('GET', '/api/v1/openapi.json');
  const { paths } = JSON.parse(body) as { paths: Record<string, Record<string, object>> };
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const rows = [...PAGE.matchAll(/^\| `((?:GET|POST|PUT|DELETE) \/\S*)` \|/gm)].map(([, route]) => route);
  assert.deepEqual(rows.sort(), routes.sort());
});

test('docs/admin-api.md names each method of /admin once', () => {
  const names = METHOD_TABLES.flatMap((methods) => Object.keys(methods));
  const table = PAGE.slice(PAGE.indexOf('| subject | methods |'));
  const rows = table.slice(0, table.indexOf('\n\n')).match(/`\w+`/g) ?? [];
  assert.deepEqual(rows.map((name) => name.slice(1, -1)).sort(), names.sort());
});
