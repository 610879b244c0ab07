import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { allowsDomain, DomainLists, hostOf, parseDomainList } from '../../src/storage/domain-lists.ts';

test('a list has a domain a line, in any case, comments and a star; lines with blanks are none', () => {
  const { list, problems } = parseDomainList(
    '# ours\r\nExample.com\r\n\n  cdn.example.net  \na b\nhttp://x\n',
  );
  assert.deepEqual(list, { allowsAll: false, domains: ['example.com', 'cdn.example.net'] });
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
  assert.equal(allowsDomain({ allowsAll: true, domains: [] }, undefined), true);
  assert.equal(allowsDomain({ allowsAll: false, domains: [] }, 'example.com'), false);
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

test('lists belong to an application, are read again when they change, and without a file all may', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-domains-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const said: string[] = [];
  const lists = new DomainLists(folder, (problem) => said.push(problem.replaceAll(folder, '')));
  const file = join(folder, 'live', 'allowedSWFdomains.txt');
  mkdirSync(join(folder, 'live'));
  assert.equal(lists.of('live', 'allowedSWFdomains.txt'), undefined);
  writeFileSync(file, 'example.com\noh no\n');
  for (let i = 0; i < 2; i += 1) {
    assert.deepEqual(lists.of('live', 'allowedSWFdomains.txt')?.domains, ['example.com']);
  }
  assert.deepEqual(said, [
    '/live/allowedSWFdomains.txt:2: expected a domain, such as example.com, or *; the line is ignored',
  ]);
  assert.equal(lists.of('live', 'allowedHTMLdomains.txt'), undefined);
  assert.equal(lists.of('vod', 'allowedSWFdomains.txt'), undefined);
  writeFileSync(file, '');
  assert.deepEqual(lists.of('live', 'allowedSWFdomains.txt'), { allowsAll: false, domains: [] });
  rmSync(file);
  assert.equal(lists.of('live', 'allowedSWFdomains.txt'), undefined);
  mkdirSync(file);
  assert.deepEqual(lists.of('live', 'allowedSWFdomains.txt'), { allowsAll: false, domains: [] });
  assert.match(said[1]!, /allowedSWFdomains\.txt cannot be read, nobody may come in/);
});
