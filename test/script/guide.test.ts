// The guide for script authors, applications/README.md: what it shows has no mistake, runs, and survives a save and a crash.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { InvokeResult, Verdict } from '../../src/application/script.ts';
import { check } from '../../src/cli/check.ts';
import type { AmfValue } from '../../src/protocol/amf.ts';
import { Folder } from './support/folder.ts';
import { hosting } from './support/hosting.ts';
import { facts } from './support/instance.ts';

const GUIDE = readFileSync(join(import.meta.dirname, '../../applications/README.md'), 'utf8');
const snippets = [...GUIDE.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
const snippet = (part: string) => {
  const found = snippets.find((code) => code.includes(part));
  assert.ok(found, `no snippet with ${part}`);
  return found;
};

/** An instance of that script with clients that it has accepted. */
async function running(code: string, ...clients: [id: string, ...args: AmfValue[]][]) {
  const all = await hosting({ 'guide/main.ts': code });
  const { script, instance } = all.open('guide');
  const connect = (id: string, ...args: AmfValue[]) =>
    new Promise<Verdict>((resolve) => {
      script.ask({ gate: 'onConnect', client: facts(id), args }, (verdict) => {
        if (verdict.accepted) instance.clients.push(id);
        resolve(verdict);
      });
    });
  for (const [id, ...args] of clients) assert.deepEqual(await connect(id, ...args), { accepted: true });
  return {
    ...all,
    connect,
    async call(name: string, ...args: AmfValue[]): Promise<AmfValue> {
      const result = await new Promise<InvokeResult>((resolve) =>
        script.invoke('c', name, args, true, resolve),
      );
      assert.ok(result.found && result.ok, JSON.stringify(result));
      return result.value;
    },
    async save(text: string) {
      await all.folder.write('guide/main.ts', text);
      await all.records.next(({ event }) => event === 'script-reload');
    },
    async [Symbol.asyncDispose]() {
      await all[Symbol.asyncDispose]();
      assert.deepEqual(all.records.errors, []);
    },
  };
}

describe('the guide for script authors', { timeout: 60_000 }, () => {
  test('shows nothing that "understudy check" would complain of', async () => {
    assert.ok(snippets.length >= 2);
    await using root = await Folder.create(
      Object.fromEntries(snippets.map((code, i) => [`applications/s${i}/main.ts`, code])),
    );
    const said: string[] = [];
    await check(root.path, undefined, (line) => said.push(line));
    assert.deepEqual(said.sort(), snippets.map((_, i) => `s${i}: ok`).sort());
  });

  test('state goes over to the next version', async () => {
    const code = snippet('onBeforeReload');
    await using guide = await running(code, ['c', 'Ann'], ['d', 'Bob']);
    await guide.save(`${code}\ntrace('saved');`);
    assert.equal(await guide.call('visits'), 2);
    assert.deepEqual(
      guide.records.application.filter((line) => line.includes('still here')),
      ['trace: Ann is still here', 'trace: Bob is still here'],
    );
    assert.equal(
      guide.records.application.some((line) => line.includes('not carried over')),
      false,
    );
  });

  test('the store decides who may come in', async () => {
    await using guide = await running(snippet('application.store.swap'), ['c', 'Ann']);
    await guide.call('ban', 'Bob', 'too loud');
    assert.deepEqual(await guide.connect('d', 'Bob'), { accepted: false, reason: 'too loud' });
    assert.deepEqual(await guide.call('banned'), ['banned:Bob']);
    assert.equal(await guide.call('lead'), true);
    assert.equal(await guide.call('lead'), false);
  });
});
