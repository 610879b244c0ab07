import assert from 'node:assert/strict';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type ExecCommand, ExecService } from '../../../src/script/services/exec.ts';
import type { Json } from '../../../src/script/wire/wire.ts';

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

const none = { hosts: [], privateAddresses: [] };
/** What an application may reach; names lead where the test says. */
const GRANTS = {
  fetch: { ...none, hosts: ['api.example.com', '127.0.0.1:8080'] },
  connections: { ...none, hosts: ['live.example.com', '*.evil.test', 'both.test'] },
  addressesOf: async (host: string) =>
    host.endsWith('.evil.test')
      ? [{ address: '10.0.0.7' }]
      : host === 'both.test'
        ? [{ address: '8.8.8.8' }, { address: '127.0.0.1' }]
        : [{ address: '8.8.8.8' }],
};

function serve(...commands: ExecCommand[]) {
  return serveWith(200, commands);
}

function serveWith(maxPrograms: number, commands: ExecCommand[], hasRoom = () => true) {
  const said: string[] = [];
  const service = new ExecService({
    applicationsDir: folder,
    maxPrograms,
    hasRoom,
    onNoRoom: (application) => said.push(`no room ${application}`),
    commandsFor: () => commands,
    rulesFor: () => ({ ...GRANTS, folders: [join(folder, 'live'), join(folder, 'store')] }),
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

test('an application has so many programs at a time in all its instances, and room again when one has ended', async () => {
  const { service, ask, said } = serveWith(3, [node('wait', FOREVER)]);
  try {
    const first = (await ask({ run: 'wait', values: {} }, 'a')).job as number;
    await ask({ run: 'wait', values: {} }, 'b');
    await ask({ run: 'wait', values: {} }, 'c');
    await assert.rejects(ask({ run: 'wait', values: {} }, 'd'), {
      name: 'QuotaExceededError',
      message: 'exec: 3 programs of the application are running already',
    });
    assert.deepEqual(
      said.filter((text) => text.startsWith('no room')),
      ['no room live'],
    );
    await ask({ kill: first }, 'a');
    await ask({ wait: first }, 'a');
    await ask({ run: 'wait', values: {} }, 'd');
  } finally {
    await service.close();
  }
});

test('a program is not started when the process has no descriptor for it, and its place is free again', async () => {
  let isFull = true;
  const { service, run } = serveWith(1, [node('wait', FOREVER)], () => !isFull);
  try {
    await assert.rejects(run('wait'), { message: 'exec: too many files and sockets are open' });
    isFull = false;
    await run('wait');
  } finally {
    await service.close();
  }
});

describe('a command of the operator', () => {
  test('that cannot be started has ended, and says why, whatever the cause', async () => {
    const file = join(folder, 'program');
    copyFileSync(process.execPath, file);
    const written = openSync(file, 'r+'); // on Linux, what is being written is not started
    const programs = [
      join(folder, 'none'),
      join(file, 'none'),
      ...(process.platform === 'linux' ? [file] : []),
    ];
    for (const program of programs) {
      const { ask, run, said } = serve({ ...node('odd', ''), program, args: [] });
      const { code, stderr } = await ask({ wait: await run('odd') });
      assert.equal(code, null, program);
      assert.match(String(stderr), /^exec odd: spawn .*(ENOENT|ENOTDIR|ETXTBSY)/);
      assert.match(said.join(), /^warn live\/_definst_ exec odd: spawn/);
      assert.deepEqual(await ask({ list: true }), []);
    }
    closeSync(written);
  });

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

  test('takes words only, unless its hole says what else', async () => {
    const { run } = serve(node('echo', '', '{input}'));
    const bad: [Json, RegExp][] = [
      ['-rf', /begins with "-"/],
      ['/etc/passwd', /begins with "\/"/],
      ['..', /begins with "\."/],
      ['a/../../b', /out of its folder/],
      ['a/..b', /out of its folder/],
      ['file:///etc/passwd', /character ":"/],
      ['subfile,,start,0,end,0,,:/etc/passwd', /character ","/],
      ['concat:a|b', /character ":"/],
      ['@/etc/passwd', /character "@"/],
      ['of=/etc/passwd', /character "="/],
      ['~/x', /begins with "~"/],
      [' -y', /begins with " "/],
      ['\u00a0-y', /begins with/],
      ['+x', /begins with "\+"/],
      ['user@host:path', /character "@"/],
      ['10.0.0.1:/x', /character ":"/],
      ['[::1]:80/x', /character ":"/],
      ['1http://x', /character ":"/],
      ['_x:y', /character ":"/],
      ['a|b', /character "\|"/],
      ['>/etc/x', /character ">"/],
      ["'/etc/passwd'", /begins with "\/"/],
      ["'-y", /begins with "-"/],
      [".'./x", /begins with "\."/],
      ["a/'.'./x", /out of its folder/],
      ['%2e%2e/x', /begins with "\."/],
      ['a%2f..%2fb', /out of its folder/],
      ['a%00b', /out of its folder/],
      ['a/.hidden', /begins with a dot/],
      ['', /empty/],
      ['a\0b', /control/],
      ['a\nb', /control/],
      ['a\u2028b', /character/],
      ['a\u202eb', /character/],
      ['a\ud800', /half a character/],
      ['C\\x', /character "\\\\"/],
      ['x'.repeat(1025), /longer/],
      [null, /missing/],
      [{}, /missing/],
    ];
    for (const [input, reason] of bad) await assert.rejects(run('echo', { input }), reason, String(input));
    await assert.rejects(run('echo', []), /missing/);
    await assert.rejects(run('echo'), /missing/);
  });

  test('takes names as people give them', async () => {
    const { ask, run } = serve({
      ...node('echo', 'process.stderr.write(process.argv[1])', '{input}'),
      maxRunning: 50,
    });
    for (const input of [
      'a b',
      'Ann’s "show"',
      "Ann's",
      'été',
      'ニュース',
      '👨‍👩‍👧',
      'نامه‌ها',
      'a/b',
      '$HOME',
      ';id',
      '`id`',
      '$(id)',
      'a&b',
      '100% live',
      'studio%3Acam',
      'v1.2.3',
      'what?',
      '%d',
      5,
    ]) {
      assert.equal((await ask({ wait: await run('echo', { input }) })).stderr, `${input}`);
    }
  });

  test('says which line of Application.xml is to take more, and how', async () => {
    const place = { file: 'applications/live/Application.xml', line: 12 };
    const { run } = serve({ ...node('copy', '', '{input}'), place });
    await assert.rejects(run('copy', { input: 'rtmp://x/y' }), {
      message:
        'exec: "rtmp://x/y" for {input}: it has the character ":". The placeholder accepts a plain name only; <Exec name="copy"> in ' +
        'applications/live/Application.xml:12 accepts more with {input:url}',
    });
    await assert.rejects(run('copy', { input: '/srv/x' }), /with \{input:file\}$/);
    await assert.rejects(
      run('copy', { input: '640:480' }),
      /with \{input:\/PATTERN\/\} or \{input:ONE\|OTHER\}$/,
    );
  });

  test('with a hole for files takes those of the application, by their whole path, and no others', async () => {
    mkdirSync(join(folder, 'live/streams'), { recursive: true });
    mkdirSync(join(folder, 'store'));
    mkdirSync(join(folder, 'other'));
    for (const file of [
      'live/streams/a=b,c.flv',
      'live/streams/show.flv',
      'live/.env',
      'live/Application.xml',
      'store/s.flv',
      'other/x.flv',
    ])
      writeFileSync(join(folder, file), '');
    symlinkSync(join(folder, 'other/x.flv'), join(folder, 'live/streams/link.flv'));
    symlinkSync(join(folder, 'other'), join(folder, 'live/folder'));
    symlinkSync(join(folder, 'live/.env'), join(folder, 'live/streams/env.flv'));
    const { ask, run } = serve(
      { ...node('copy', 'process.stderr.write(process.argv[1])', '{input:file}'), maxRunning: 50 },
      node('part', '', 'movie={input:file}'),
    );
    const taken = async (input: string) => (await ask({ wait: await run('copy', { input }) })).stderr;
    assert.equal(await taken('streams/show.flv'), join(folder, 'live/streams/show.flv'));
    assert.equal(await taken(join(folder, 'store/s.flv')), join(folder, 'store/s.flv'));
    assert.equal(await taken('streams/a=b,c.flv'), join(folder, 'live/streams/a=b,c.flv'));
    for (const input of [
      'streams/link.flv',
      'folder/x.flv',
      '../other/x.flv',
      join(folder, 'other/x.flv'),
      '/etc/passwd',
      '/dev/zero',
      'none',
      'file:streams/show.flv',
      '-y',
      '',
    ])
      await assert.rejects(run('copy', { input }), /no such file|no regular file/, input);
    for (const input of ['.env', 'Application.xml', 'streams/env.flv'])
      await assert.rejects(run('copy', { input }), /none of the script/, input);
    await assert.rejects(run('copy', { input: 'streams' }), /no regular file/);
    await assert.rejects(run('part', { input: 'streams/a=b,c.flv' }), /plain words/);
  });

  test('with a hole for addresses takes those of hosts that are granted, and whose names lead to the Internet', async () => {
    const { ask, run } = serve({
      ...node('push', 'process.stderr.write(process.argv[1])', '{target:url}'),
      maxRunning: 50,
    });
    for (const target of [
      'rtmp://live.example.com/app/key-1?a=b',
      'RTMPS://Live.Example.com',
      'https://api.example.com/x@y',
      'http://127.0.0.1:8080/',
    ])
      assert.equal((await ask({ wait: await run('push', { target }) })).stderr, target);
    for (const [target, reason] of [
      ['rtmp://elsewhere.test/app', /not granted: see <NetConnection>/],
      ['http://live.example.com/', /not granted: see <Fetch>/],
      ['rtmp://live.example.com:8080/app', /not granted/],
      ['rtmp://x.evil.test/app', /private address/],
      ['rtmp://both.test/app', /private address/],
      ['http://2130706433:8081/', /not granted/],
      ['http://0x7f.1/', /not granted/],
      ['rtmp://user:pass@live.example.com/app', /no plain address/],
      ['rtmp://live.example.com@evil.test/app', /no plain address/],
      ['rtmp://live.example.com#@evil.test/app', /no plain address/],
      ['rtmp://live.example.com/app playpath=x', /no plain address/],
      ['rtmp://live.example.com/a|b', /no plain address/],
      ['rtmp://live.example.com\\@evil.test/', /no plain address/],
      ['file:///etc/passwd', /no plain address/],
      ['concat:rtmp://live.example.com/a', /no plain address/],
      ['//live.example.com/a', /no plain address/],
      ['-i', /no plain address/],
      ['rtmp://live.example.com/a\nb', /control/],
    ] as const)
      await assert.rejects(run('push', { target }), reason, target);
  });

  test('with a hole for a choice or a pattern takes what is one of them, or matches as a whole', async () => {
    const { ask, run } = serve(
      {
        ...node(
          'size',
          'process.stderr.write(process.argv.slice(1).join())',
          '{size:small|1280x720}',
          '{at:/\\d{1,2}:\\d\\d/}',
        ),
        maxRunning: 50,
      },
      node('slow', '', '{x:/(a+)+b/}'),
    );
    assert.equal(
      (await ask({ wait: await run('size', { size: '1280x720', at: '7:30' }) })).stderr,
      '1280x720,7:30',
    );
    await assert.rejects(run('size', { size: 'big', at: '7:30' }), /none of small, 1280x720/);
    await assert.rejects(run('size', { size: 'small', at: '7:300' }), /does not match \\d\{1,2\}:\\d\\d/);
    await assert.rejects(run('size', { size: 'small', at: 'x7:30' }), /does not match/);
    await assert.rejects(run('slow', { x: 'a'.repeat(1000) }), /more than 20 ms/);
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
