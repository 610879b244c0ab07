import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { allowsDomain, DomainLists, hostOf, parseDomainList } from '../../src/storage/domain-lists.ts';

test('a list has a domain a line, in any case, comments and a star; lines with blanks are none', () => {
  const { list, problems } = parseDomainList(
    '# ours\r\nExample.com\r\n\n  cdn.example.net  \na b\nhttp://x\n',
  );
  assert.deepEqual(list, { allowsAll: false, domains: new Set(['example.com', 'cdn.example.net']) });
  assert.deepEqual(
    problems,
    [5, 6].map((line) => `${line}: expected a domain, such as example.com, or *`),
  );
  assert.equal(parseDomainList('a.com\n*').list.allowsAll, true);
});

test('a domain stands for those below it, and for no other that ends alike', () => {
  const { list } = parseDomainList('example.com');
  for (const [host, allowed] of [
    ['example.com', true],
    ['www.example.com', true],
    ['a.b.example.com', true],
    ['badexample.com', false],
    ['example.com.evil.org', false],
    ['com', false],
    [undefined, false],
  ] as const) {
    assert.equal(allowsDomain(list, host), allowed, host);
  }
  assert.equal(allowsDomain({ allowsAll: true, domains: new Set() }, undefined), true);
  assert.equal(allowsDomain({ allowsAll: false, domains: new Set() }, 'example.com'), false);
});

test('the host of an address of the web, without port, user and final dot; of others none', () => {
  for (const [url, host] of [
    ['http://Example.com/a/b?c=d', 'example.com'],
    ['HTTPS://www.example.com:8443', 'www.example.com'],
    ['https://example.com@evil.org/', 'evil.org'],
    ['https://evil.org\\@example.com/', 'evil.org'],
    ['http://example.com./', 'example.com'],
    ['http://[2001:db8::1]:80/', '[2001:db8::1]'],
    ['file:///C:/player.swf', undefined],
    ['rtmp://example.com/live', undefined],
    ['http://', undefined],
    ['', undefined],
  ] as const) {
    assert.equal(hostOf(url), host, url);
  }
});

test('lists belong to an application, are as they were last read, and without a file all may', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-domains-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const said: string[] = [];
  const lists = new DomainLists(folder, (problem) => said.push(problem.replaceAll(folder, '')));
  const file = join(folder, 'live', 'allowedSWFdomains.txt');
  mkdirSync(join(folder, 'live'));
  const nobody = { allowsAll: false, domains: new Set() };
  assert.deepEqual(lists.of('live', 'allowedSWFdomains.txt'), nobody, 'they have not been read');
  await lists.read('live');
  await lists.read('vod');
  assert.equal(lists.of('live', 'allowedSWFdomains.txt'), undefined);
  writeFileSync(file, 'example.com\noh no\n');
  assert.equal(lists.of('live', 'allowedSWFdomains.txt'), undefined);
  await lists.read('live');
  assert.deepEqual(lists.of('live', 'allowedSWFdomains.txt')?.domains, new Set(['example.com']));
  assert.deepEqual(said, [
    '/live/allowedSWFdomains.txt:2: expected a domain, such as example.com, or *; the line is ignored',
  ]);
  assert.equal(lists.of('live', 'allowedHTMLdomains.txt'), undefined);
  assert.equal(lists.of('vod', 'allowedSWFdomains.txt'), undefined);
  writeFileSync(file, '');
  await lists.read('live');
  assert.deepEqual(lists.of('live', 'allowedSWFdomains.txt'), nobody);
  rmSync(file);
  await lists.read('live');
  assert.equal(lists.of('live', 'allowedSWFdomains.txt'), undefined);
  mkdirSync(file);
  await lists.read('live');
  assert.deepEqual(lists.of('live', 'allowedSWFdomains.txt'), nobody);
  assert.match(said[1]!, /allowedSWFdomains\.txt cannot be read, nobody may come in/);
});

test('a list that is a pipe, or has a million lines, lets nobody in; a long one is looked up by labels', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-domains-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'live'));
  const said: string[] = [];
  const lists = new DomainLists(folder, (problem) => said.push(problem.replaceAll(folder, '')));
  execFileSync('mkfifo', [join(folder, 'live', 'allowedSWFdomains.txt')]);
  writeFileSync(join(folder, 'live', 'allowedHTMLdomains.txt'), '\n'.repeat(1_000_000));
  await lists.read('live');
  for (const name of ['allowedSWFdomains.txt', 'allowedHTMLdomains.txt'] as const) {
    assert.equal(allowsDomain(lists.of('live', name)!, 'example.com'), false);
  }
  assert.deepEqual(said.sort(), [
    '/live/allowedHTMLdomains.txt cannot be read, nobody may come in: more than 20000 lines',
    '/live/allowedSWFdomains.txt cannot be read, nobody may come in: expected a regular file, found a named pipe',
  ]);
  const host = `${'a.'.repeat(100_000)}example.com`;
  assert.equal(allowsDomain(parseDomainList('example.com').list, host), false, 'no host has so many labels');
});
