// Where a script was when it was cut for its time: file and line of what the author wrote, wherever the loop is.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatError } from '../../../src/application/accounts/error-records.ts';
import type { InstanceScript } from '../../../src/application/contract/script.ts';
import { testSettings } from '../../support/settings.ts';
import { hosting } from '../support/hosting.ts';
import { facts } from '../support/instance.ts';

const { limits: LIMITS } = testSettings();

const MODULE = `import { spin } from './spin.ts';

interface Guest { name: string }

application.onConnect = (client, how: string) => {
  const guest: Guest = { name: how };
  if (guest.name === 'onConnect') for (;;);
  if (guest.name === 'setTimeout')
    setTimeout(() => { for (;;); }, 1);
  if (guest.name === 'promise')
    Promise.resolve().then(() => { for (;;); });
  return true;
};
Client.prototype.spin = function (how: string): number {
  return spin(how);
};
`;
const SPIN = `const endless: { [how: string]: () => void } = {
  loop: () => { for (;;); },
  nested: () => { for (;;) { try { for (;;); } finally { for (;;); } } },
  recursion: () => { const f = (): void => { try { f() } catch { f() } }; f() },
  regexp: () => void /^(a+)+$/.test('a'.repeat(40) + 'b'),
  sort: () => { const a = Array.from({ length: 1e5 }, (_, i) => i); for (;;) a.sort(() => Math.random() - 0.5) },
  trace: () => { for (;;) trace('x') },
  getter: () => { throw { get message() { for (;;); } } },
};

export function spin(how: string): number {
  endless[how]!();
  return 1;
}
`;
const CLASSIC = `load("helper.asc");
application.onConnect = function (client, how) {
  if (how == "onConnect") helper();
  return true;
};
`;
const HELPER = `function helper() {
  while (true) {}
}
`;
const lineOf = (text: string, part: string) => text.split('\n').findIndex((line) => line.includes(part)) + 1;

async function open(files: Record<string, string>) {
  const limits = { ...LIMITS, turnMs: 200, loadMs: 1000 };
  const all = await hosting(files, undefined, () => ({ limits }));
  const [name] = Object.keys(files)[0]!.split('/') as [string];
  const { script, instance } = all.open(name);
  return { ...all, script, instance };
}

function connect(script: InstanceScript, id: string, how: string): Promise<unknown> {
  return new Promise((resolve) => script.ask({ gate: 'onConnect', client: facts(id), args: [how] }, resolve));
}

describe('a script that is cut for its time', { timeout: 120_000 }, () => {
  for (const [how, handler, part] of [
    ['onConnect', 'onConnect', "=== 'onConnect'"],
    ['setTimeout', 'setTimeout', 'setTimeout(() =>'],
    ['promise', 'onConnect', 'Promise.resolve()'],
  ] as const) {
    test(`is found at file and line of its TypeScript: ${how}`, async () => {
      await using all = await open({ 'chat/main.ts': MODULE, 'chat/spin.ts': SPIN });
      all.instance.clients.push('c');
      await connect(all.script, 'c', how);
      const record = await all.records.next(({ kind }) => kind === 'timeout');
      const { file, line, handler: where } = record;
      assert.deepEqual(
        { file, line, where },
        { file: 'main.ts', line: lineOf(MODULE, part), where: handler },
      );
      const text = new RegExp(
        `^error: chat/main\\.ts:${line}:\\d+: ${handler}: the script ran longer than 200 ms`,
      );
      assert.ok(
        all.records.application.some((said) => text.test(said)),
        all.records.application.join('\n'),
      );
      const [shown] = all.errors.recent('chat');
      assert.match(`error: ${formatError(shown!)}`, text);
    });
  }

  for (const how of ['loop', 'nested', 'recursion', 'regexp', 'sort', 'trace', 'getter']) {
    test(`is found in a remote method, however it keeps the time: ${how}`, async () => {
      await using all = await open({ 'chat/main.ts': MODULE, 'chat/spin.ts': SPIN });
      all.instance.clients.push('c');
      await connect(all.script, 'c', '');
      await new Promise((resolve) => all.script.invoke('c', 'spin', [how], true, resolve));
      const { file, line, handler } = await all.records.next(({ kind }) => kind === 'timeout');
      const wanted = { file: 'spin.ts', line: lineOf(SPIN, `${how}: () =>`), handler: 'client.spin' };
      assert.deepEqual({ file, line, handler }, wanted);
    });
  }

  test('is found while it loads', async () => {
    const endless = `const rounds: number = 1;\n\nfor (let i = 0; i < rounds; ) {\n  i += 0;\n}\n`;
    await using all = await open({ 'chat/main.ts': endless });
    await assert.rejects(all.script.started);
    const { file, line, message } = await all.records.next(({ kind }) => kind === 'load');
    assert.equal(file, 'main.ts');
    assert.ok(line === 3 || line === 4, `${line}`);
    assert.match(String(message), /took longer than 1000 ms to load/);
  });

  test('is found in old scripts, in the file that was loaded', async () => {
    await using all = await open({ 'old/main.asc': CLASSIC, 'old/helper.asc': HELPER });
    all.instance.clients.push('c');
    await connect(all.script, 'c', 'onConnect');
    const { file, line, frames } = await all.records.next(({ kind }) => kind === 'timeout');
    assert.deepEqual({ file, line }, { file: 'helper.asc', line: 2 });
    assert.deepEqual(frames?.[1]?.file && [frames[1].file, frames[1].line], ['main.asc', 3]);
  });

  test('is counted as the same error wherever it was cut', async () => {
    const wander = `application.onConnect = () => {
  for (;;) {
    Math.sqrt(2);
    ${'Math.sqrt(2);\n    '.repeat(40)}
  }
};\n`;
    await using all = await open({ 'chat/main.ts': wander });
    await connect(all.script, 'a', '');
    await connect(all.script, 'b', '');
    await all.records.next(({ kind, count }) => kind === 'timeout' && count === 2);
    assert.equal(all.errors.recent('chat').length, 1);
  });

  test('is found where it was the last time, when it is another loop of the same handler', async () => {
    const loops = `application.onConnect = (client, how: string) => {
  if (how === 'first') for (;;);
  if (how === 'second') for (;;);
};\n`;
    await using all = await open({ 'chat/main.ts': loops });
    await connect(all.script, 'a', 'first');
    await connect(all.script, 'b', 'second');
    await all.records.next(({ kind, count }) => kind === 'timeout' && count === 2);
    const [record] = all.errors.recent('chat');
    assert.deepEqual([record?.line, record?.frames[0]?.line, record?.client], [3, 3, 'b']);
    assert.ok(all.records.application.some((said) => /main\.ts:3:\d+: .* \(2 times\)/.test(said)));
  });
});
