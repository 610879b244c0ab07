import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import pino from 'pino';
import { logSettings } from '../../src/log/log.ts';

function logged(facts: object, text: string): string {
  const lines: string[] = [];
  pino(logSettings('debug'), { write: (line) => lines.push(line) }).info(facts, text);
  assert.equal(lines.length, 1);
  return lines[0]!;
}

test('a record is one line to every program that reads lines, whatever peers have called their streams', async () => {
  const stream = 'a\u2028{"level":"info"}\u2029b\u0085c\u202ed\ufeff\n\r';
  const line = logged({ stream }, `playing ${stream}`);
  const { stream: read, msg } = JSON.parse(line);
  assert.deepEqual([read, msg], [stream, `playing ${stream}`]);
  const lines: string[] = [];
  for await (const one of createInterface({ input: Readable.from([line]) })) lines.push(one);
  assert.equal(lines.length, 1);
  assert.match(line, /a\\u2028\{/);
});

test('what people write is written as it is', () => {
  const text = 'Grüße, 日本語, עברית, 😀';
  assert.ok(logged({ text }, text).includes(text));
});
