// Whatever another server answers a script's fetch: an answer, or a failure that the script can catch.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FetchClient, FetchFailure } from '../../../../src/script/services/fetch/client.ts';
import { RawSite } from '../../../support/raw-site.ts';

const BODY = 'Content-Length: 2\r\n\r\nok';
const ODD = [
  ...['000', '001', '099', '100', '101', '103', '199', '600', '999', '1000', 'abc'].map(
    (status) => `HTTP/1.1 ${status} x\r\n${BODY}`,
  ),
  ...['\x01', '\0', '\x7f', '\xff'].map((character) => `HTTP/1.1 200 a${character}b\r\n${BODY}`),
  ...[
    'X\0: y',
    'X: \0',
    ': y',
    'X y: z',
    'X: a\nb',
    'X: \xff',
    'Content-Length: 9',
    'Location: http://\0',
  ].map((field) => `HTTP/1.1 302 Found\r\n${field}\r\n${BODY}`),
  'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip',
  'HTTP/1.1 200 OK\r\nContent-Encoding: gzip, br, deflate, gzip, br, gzip, br\r\n\r\nno gzip',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello',
  `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(20_000)}`,
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel',
  'garbage\r\n\r\n',
  '',
];

test('an odd answer is an answer or a FetchFailure, and nothing is thrown elsewhere', async () => {
  await using site = await RawSite.open();
  const client = new FetchClient('test');
  const limits = {
    hosts: ['127.0.0.1:*'],
    privateAddresses: [{ address: '127.0.0.0', prefix: 8 }],
    timeOutMs: 20_000,
    maxSizeBytes: 1 << 20,
  };
  const url = `http://127.0.0.1:${site.port}/`;
  const request = { url, method: 'GET', headers: [], body: undefined, redirect: 'follow' } as const;
  for (const answer of ODD) {
    site.answer = (_heard, socket) => {
      socket.write(answer, 'latin1', () => socket.end());
      return undefined;
    };
    const outcome = await client
      .fetch({ ...request, headers: [] }, limits, new AbortController().signal)
      .catch((error: unknown) => error);
    const isAnswer = typeof (outcome as { status?: unknown }).status === 'number';
    assert.ok(
      isAnswer || outcome instanceof FetchFailure,
      `${JSON.stringify(answer.slice(0, 60))}: ${outcome}`,
    );
  }
  assert.ok(site.heard.length >= ODD.length, 'every answer has been asked for');
  await client.close();
});
