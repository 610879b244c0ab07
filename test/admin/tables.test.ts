import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METHOD_TABLES } from '../../src/admin/ams-api/methods.ts';
import { ROUTES } from '../../src/admin/json-api/routes.ts';

function assertOnce(names: readonly string[]): void {
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  assert.deepEqual(twice, []);
}

test('no method of Flash Media Server stands in two tables', () => {
  const names = METHOD_TABLES.flatMap((table) => Object.keys(table));
  assert.ok(names.length > 50);
  assertOnce(names);
});

test('no two routes have the same name, or the same method and path', () => {
  assert.ok(ROUTES.length > 30);
  assertOnce(ROUTES.map(({ id }) => id));
  assertOnce(ROUTES.map(({ method, path }) => `${method} ${path.replace(/\{\w+\}/g, '{}')}`));
});

test('each route has a result if and only if its status says so, and answers in one way', () => {
  for (const { id, status, result, answer, stream } of ROUTES) {
    const hasBody = status === 200 || status === 201;
    assert.equal(result !== undefined || stream !== undefined, hasBody, id);
    assert.equal(Number(answer !== undefined) + Number(stream !== undefined), 1, id);
  }
});
