import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { HANDLERS } from '../../../../src/application/contract/script-table.ts';
import { TestRunner } from '../../../support/runner.ts';

let runner: TestRunner;
before(async () => {
  runner = await TestRunner.start();
});
after(() => runner[Symbol.asyncDispose]());

test('the names of handlers are those that authors are told', () => {
  const types = readFileSync(
    new URL('../../../../src/script/types/understudy.d.ts', import.meta.url),
    'utf8',
  );
  const [declared = ''] = /^interface Application \{.*?^\}/ms.exec(types) ?? [];
  const names = [...declared.matchAll(/^ {2}(on[A-Z]\w+)\?:/gm)].map(([, name]) => name!);
  assert.deepEqual([...HANDLERS].sort(), names.sort());
});

test('a handler whose name has a slip is told of when the script loads', async () => {
  const names = [
    'onPublsh',
    'onpublish',
    'onAppStrat',
    'onUnPublish',
    'onConect',
    'onPaly',
    'OnStop',
    'onClientResumed',
  ];
  const unit = await runner.load(
    `${names.map((name) => `application.${name} = () => {};`).join('\n')}
     application.onDisconnct = 'no function';`,
  );
  const meant = [
    'onPublish',
    'onPublish',
    'onAppStart',
    'onUnpublish',
    'onConnect',
    'onPlay',
    'onStop',
    'onClientResume',
  ];
  await runner.until(() => unit.logs.length === names.length, 'the warnings');
  assert.deepEqual(
    unit.logs,
    names.map(
      (name, i) => `the server never calls application.${name}: the handler is application.${meant[i]}`,
    ),
  );
  assert.ok(unit.of('log').every(({ level }) => level === 'warn'));
});

test('what is right, and names of the script\u2019s own, are nobody\u2019s business', async () => {
  const own = [
    ...HANDLERS,
    'onTimer',
    'onAir',
    'onResult',
    'onPlayer',
    'onChat',
    'on',
    'x'.repeat(100),
    'connect',
  ];
  const unit = await runner.run(own.map((name) => `application.${name} = () => {};`).join('\n'));
  assert.deepEqual(unit.logs, []);
});

test('a handler that is exported and not assigned is told of', async () => {
  const code = 'function onPlay() {} application.onPlay = onPlay;';
  const unit = await runner.load(code, { exported: ['onPlay', 'onPublish'] });
  await runner.until(() => unit.logs.length > 0, 'the warning');
  assert.deepEqual(unit.logs, [
    'the server never calls the export onPublish: write application.onPublish = onPublish',
  ]);
});
