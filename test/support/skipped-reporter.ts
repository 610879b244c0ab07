// A reporter of Node's test runner: a line of JSON for each test that was skipped.
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import type { Skipped } from './skipped.ts';

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' || data.skip === undefined || data.skip === false) continue;
    const reason = typeof data.skip === 'string' ? data.skip : '';
    const file = relative(process.cwd(), data.file ?? '');
    yield `${JSON.stringify({ file, name: data.name, reason } satisfies Skipped)}\n`;
  }
}
