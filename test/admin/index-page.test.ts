import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdminCore, basic } from '../support/admin.ts';

test('/ says what is at the port, as text or as a page, without a login and without anything of the server', async () => {
  await using world = await AdminCore.start();
  const plain = await world.request('GET', '/');
  assert.equal(plain.status, 200);
  assert.match(String(plain.headers['content-type']), /^text\/plain/);
  const page = await world.request('GET', '/', { accept: 'text/html,*/*' });
  assert.match(String(page.headers['content-type']), /^text\/html/);
  for (const { body } of [plain, page]) {
    for (const place of ['/admin/', '/api/v1/', '/metrics']) assert.ok(body.includes(place), place);
    assert.doesNotMatch(body, /Understudy\/test|ann/);
  }
  assert.equal((await world.request('POST', '/')).status, 404);
});

test('every link of the page is there for an administrator', async () => {
  await using world = await AdminCore.start();
  const { body } = await world.request('GET', '/', { accept: 'text/html' });
  const links = [...body.matchAll(/href="([^"]+)"/g)].map(([, path]) => path!);
  assert.ok(links.length > 1);
  for (const path of links.filter((one) => !one.endsWith('/events'))) {
    const { status } = await world.request('GET', path, { authorization: basic('ann') });
    assert.equal(status, 200, path);
  }
});
