import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type ExecCommand, ExecService } from '../../src/script/exec.ts';
import type { Json } from '../../src/script/wire.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'understudy-exec-')));
mkdirSync(join(folder, 'live'));
after(() => rmSync(folder, { recursive: true }));

/** A command that runs a text of ours in Node, whose holes are arguments to it. */
function node(name: string, code: string, ...args: string[]): ExecCommand {
  return {
    name,
    program: process.execPath,
    args: ['-e', code, '--', ...args],
    timeoutMs: undefined,
    maxRunning: 2,
  };
}

function serve(...commands: ExecCommand[]) {
  const said: string[] = [];
  const service = new ExecService({
    applicationsDir: folder,
    commandsFor: () => commands,
    log: (application, instance, level, text) => said.push(`${level} ${application}/${instance} ${text}`),
  });
  const version = { isServing: true, onDecided() {} };
  const { signal } = new AbortController();
  const context = { application: 'live', instance: '_definst_', signal, version };
  const ask = async (request: Json, instance = '_definst_') =>
    (await service.ask(request, { ...context, instance })) as { [name: string]: Json };
  const run = async (name: string, values: Json = {}, until?: string) =>
    (await ask({ run: name, values, ...(until === undefined ? {} : { until }) })).job as number;
  return { service, said, ask, run };
}
const FOREVER =
  'process.on("SIGTERM", () => process.exit(7)); setInterval(() => {}, 1000); process.stderr.write("up")';

describe('a command of the operator', () => {
  test('runs in the folder of the application, with what the script gives in its holes and no secret of the server', async () => {
    process.env.UNDERSTUDY_TEST_SECRET = 'x';
    const { ask, run, said } = serve(
      node(
        'write',
        'require("fs").writeFileSync("out.json", JSON.stringify([process.argv.slice(1), Object.keys(process.env)]))',
        'in:{input}',
        '{n}{n}',
        '{not closed',
      ),
    );
    const job = await run('write', { input: 'a b;$(touch x)', n: 5 });
    assert.deepEqual(await ask({ wait: job }), { code: 0, signal: null, stderr: '' });
    const [args, env] = JSON.parse(readFileSync(join(folder, 'live/out.json'), 'utf8'));
    assert.deepEqual(args, ['in:a b;$(touch x)', '55', '{not closed']);
    assert.deepEqual(env.sort(), ['LANG', 'PATH']);
    delete process.env.UNDERSTUDY_TEST_SECRET;
    assert.match(said.join('\n'), /info live\/_definst_ exec write \(job 1\) is process \d+\n.*through/);
  });

  test('takes no value that is more than a name', async () => {
    const { run } = serve(node('echo', '', '{input}'));
    const bad: [Json, RegExp][] = [
      ['-rf', /option/],
      ['/etc/passwd', /absolute/],
      ['..', /out of its folder/],
      ['a/../../b', /out of its folder/],
      ['file:///etc/passwd', /address/],
      ['concat:a|b', /address/],
      ['a\0b', /control/],
      ['a\nb', /control/],
      ['C\\x', /backslash/],
      ['x'.repeat(1025), /longer/],
      [null, /missing/],
      [{}, /missing/],
    ];
    for (const [input, reason] of bad) await assert.rejects(run('echo', { input }), reason, String(input));
    await assert.rejects(run('echo', []), /missing/);
    await assert.rejects(run('echo'), /missing/);
  });

  test('has no other holes than its arguments have', async () => {
    const { run } = serve(node('thumb', '', '{input}', '{size}'));
    await assert.rejects(run('thumb', { inptu: 'a', size: 1 }), {
      message: 'exec: thumb has no {inptu} in its arguments (there are: {input}, {size})',
    });
    await assert.rejects(run('thumb', { input: 'a' }), /a text for \{size\} is missing/);
  });

  test('that is not named does not run', async () => {
    const { run, ask } = serve(node('one', ''), node('two', ''));
    await assert.rejects(run('three'), /no command "three" \(there are: one, two\): see <Exec>/);
    await assert.rejects(ask({}), /ended long ago/);
    await assert.rejects(ask([] as Json), /no request/);
  });

  test('that cannot be started, or fails, says why', async () => {
    const { ask, run, said } = serve(
      { ...node('gone', ''), program: '/no/such/program' },
      node('fails', 'console.error("x".repeat(20000)); console.error("the reason"); process.exit(3)'),
    );
    const gone = await ask({ wait: await run('gone') });
    assert.equal(gone.code, null);
    assert.match(String(gone.stderr), /ENOENT/);
    const failed = await ask({ wait: await run('fails') });
    assert.equal(failed.code, 3);
    assert.equal(String(failed.stderr).length, 8192);
    assert.match(String(failed.stderr), /the reason\n$/);
    assert.match(said.at(-1)!, /^warn .*fails \(job 2\) ended with 3: the reason$/);
  });

  test('ends when it is killed, when its stream ends, when its instance ends, and with the server', async () => {
    const { service, ask, run } = serve({ ...node('stay', FOREVER), maxRunning: 10 });
    const [killed, other, streamed, last] = await Promise.all([
      run('stay'),
      run('stay'),
      run('stay', {}, 'show'),
      run('stay'),
    ]);
    assert.deepEqual(
      await ask({ list: true }),
      [killed, other, streamed, last].map((job) => ({ job, name: 'stay' })),
    );
    await assert.rejects(ask({ kill: killed }, 'another'), /ended long ago/);
    const ends = [ask({ wait: killed }), ask({ wait: streamed }), ask({ wait: last })];
    await ask({ kill: killed });
    assert.ok((await ends[0]) !== undefined);
    service.streamEnded('live', '_definst_', 'another');
    service.streamEnded('live', '_definst_', 'show');
    await ends[1];
    assert.deepEqual(await ask({ wait: streamed }), await ends[1]);
    assert.deepEqual(
      ((await ask({ list: true })) as unknown as { job: number }[]).map(({ job }) => job),
      [other, last],
    );
    await service.instanceEnded('live', '_definst_');
    await ends[2];
    const more = ask({ wait: await run('stay') });
    await service.close();
    assert.ok(await more);
  });

  test('runs only so often at a time, and only so long', async () => {
    const { service, ask, run } = serve(
      { ...node('stay', FOREVER), maxRunning: 1 },
      { ...node('late', FOREVER), timeoutMs: 1 },
    );
    await run('stay');
    await assert.rejects(run('stay'), { name: 'QuotaExceededError', message: /1 jobs of stay/ });
    assert.ok(await ask({ wait: await run('late') }));
    await service.close();
    assert.deepEqual(await ask({ list: true }), []);
  });

  test('takes what it has started with it', async () => {
    const marker = join(folder, 'child');
    const { service, run } = serve(
      node(
        'parent',
        `const c = require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
         require("fs").writeFileSync(${JSON.stringify(marker)} + ".part", String(c.pid));
         require("fs").renameSync(${JSON.stringify(marker)} + ".part", ${JSON.stringify(marker)});
         setInterval(() => {}, 1000)`,
      ),
    );
    const watcher = watch(folder);
    const there = new Promise<void>((resolve) =>
      watcher.on('change', (_, name) => name === 'child' && resolve()),
    );
    await run('parent');
    if (!existsSync(marker)) await there;
    watcher.close();
    const pid = Number(readFileSync(marker, 'utf8'));
    await service.close();
    // Its end is on its way; a zombie that nobody has waited for yet counts as gone.
    const state = () => {
      try {
        return /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1];
      } catch {
        return 'gone';
      }
    };
    while (state() !== 'gone' && state() !== 'Z' && state() !== 'X') await new Promise(setImmediate);
  });
});
