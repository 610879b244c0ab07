// Debuggers at the script of an instance, with the real runner, through the real port.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import type { InstanceScript, InvokeResult, Verdict } from '../../../src/application/contract/script.ts';
import { testSettings } from '../../support/settings.ts';
import { listTargets, TestDebugger } from '../support/debugger.ts';
import { hosting } from '../support/hosting.ts';
import { facts } from '../support/instance.ts';
import type { LogRecord } from '../support/records.ts';

const { limits: LIMITS } = testSettings();

const CHAT = `import { greeting } from './greeting.ts';

interface Guest { name: string }

application.onConnect = (client, name: string) => {
  const guest: Guest = { name };
  const text = greeting(guest.name);
  client.data = text;
  return true;
};

Client.prototype.text = function () {
  return this.data;
};
Client.prototype.loop = function (ms) {
  const end = Date.now() + ms;
  while (Date.now() < end);
  return 'through';
};
`;
const GREETING = "export const greeting = (name: string): string => 'hello '.concat(name);\n";
const NEIGHBOUR = 'Client.prototype.fine = () => 1;';
const STOPS = `application.onConnect = () => true;

Client.prototype.stops = function (n: number): number {
  const twice: number = 2 * n;
  debugger;
  return twice;
};
`;
/** Far less than what happens while a script is paused. */
const TURN_MS = 100;

function connect(script: InstanceScript, id: string, ...args: string[]): Promise<Verdict> {
  return new Promise((resolve) => script.ask({ gate: 'onConnect', client: facts(id), args }, resolve));
}

function call(script: InstanceScript, id: string, name: string, ...args: number[]): Promise<InvokeResult> {
  return new Promise((resolve) => script.invoke(id, name, args, true, resolve));
}

const returned = (value: unknown) => ({ found: true, ok: true, value });

async function debuggable() {
  const all = await hosting(
    { 'chat/main.ts': CHAT, 'chat/greeting.ts': GREETING, 'next/main.ts': NEIGHBOUR },
    undefined,
    (application) => ({
      isInspectable: application === 'chat',
      limits: { ...LIMITS, turnMs: TURN_MS },
    }),
  );
  const { script, instance } = all.open('chat');
  await script.started;
  const { port } = (await all.inspector.open())!;
  const targets = await listTargets(port);
  const enter = async (id: string, ...args: string[]) => {
    instance.clients.push(id);
    return connect(script, id, ...args);
  };
  const attach = async () => TestDebugger.attach((await listTargets(port))[0]!.webSocketDebuggerUrl);
  const left = () => all.records.next(({ msg }: LogRecord) => msg === 'the debugger has left chat/_definst_');
  return { ...all, script, instance, port, targets, enter, attach, left };
}

const BUNDLE = 'app:///chat/main.ts.bundle.js';

/** Stops at the first line of the bundle that has `text` in it. */
async function breakAt(debug: TestDebugger, text: string): Promise<void> {
  await debug.send('Debugger.enable');
  const { scriptId } = await debug.next('Debugger.scriptParsed', ({ url }) => url === BUNDLE);
  const { scriptSource } = await debug.send('Debugger.getScriptSource', { scriptId });
  const lineNumber = scriptSource.split('\n').findIndex((line: string) => line.includes(text));
  const { locations } = await debug.send('Debugger.setBreakpointByUrl', { url: BUNDLE, lineNumber });
  assert.equal(locations.length, 1);
}

describe('a debugger at a script', { timeout: 60_000 }, () => {
  test('finds the instance that may be debugged and no other, and its TypeScript in the source map', async () => {
    await using all = await debuggable();
    const { script: next } = all.open('next');
    await next.started;
    const listed = await listTargets(all.port);
    assert.deepEqual(
      listed.map(({ title, url }) => ({ title, url })),
      [{ title: 'chat/_definst_', url: pathToFileURL(all.folder.at('chat/main.ts')).href }],
    );
    await using debug = await all.attach();
    await debug.send('Debugger.enable');
    const { sourceMapURL } = await debug.next('Debugger.scriptParsed', ({ url }) => url === BUNDLE);
    const map = JSON.parse(Buffer.from(sourceMapURL.split(',')[1], 'base64').toString());
    const wanted = { 'chat/greeting.ts': GREETING, 'chat/main.ts': CHAT };
    const urls = Object.keys(wanted).map((path) => pathToFileURL(all.folder.at(path)).href);
    assert.deepEqual(map.sources, urls);
    assert.deepEqual(map.sourcesContent, Object.values(wanted));
  });

  test('pauses in onConnect beyond every limit, looks around, steps and resumes; the neighbour is answered meanwhile', async () => {
    await using all = await debuggable();
    const { script: next } = all.open('next');
    await next.started;
    assert.deepEqual(await connect(next, 'n'), { accepted: true });
    await using debug = await all.attach();
    await breakAt(debug, 'greeting(guest.name)');
    let verdict: Verdict | undefined;
    const verdictGiven = all.enter('c', 'ann').then((given) => {
      verdict = given;
    });
    const { callFrames, hitBreakpoints } = await debug.next('Debugger.paused');
    assert.equal(hitBreakpoints.length, 1);
    const [{ callFrameId, location }] = callFrames;
    const expression = 'JSON.stringify(guest)';
    const { result } = await debug.send('Debugger.evaluateOnCallFrame', { callFrameId, expression });
    assert.equal(result.value, '{"name":"ann"}');
    await new Promise((resolve) => setTimeout(resolve, 3 * TURN_MS));
    assert.deepEqual(await call(next, 'n', 'fine'), returned(1));
    assert.equal(verdict, undefined);
    await debug.send('Debugger.stepOver');
    const stepped = await debug.next('Debugger.paused');
    assert.equal(stepped.callFrames[0].location.lineNumber, location.lineNumber + 1);
    await debug.send('Debugger.resume');
    await verdictGiven;
    assert.deepEqual(verdict, { accepted: true });
    assert.deepEqual(await call(all.script, 'c', 'text'), returned('hello ann'));
    assert.deepEqual(all.records.errors, []);
  });

  test('when it goes while the script is paused, the script resumes and its limits hold again', async () => {
    await using all = await debuggable();
    const debug = await all.attach();
    await breakAt(debug, 'greeting(guest.name)');
    const entered = all.enter('c', 'eve');
    await debug.next('Debugger.paused');
    await debug.leave();
    assert.deepEqual(await entered, { accepted: true });
    assert.deepEqual(await call(all.script, 'c', 'text'), returned('hello eve'));
    const cut = await call(all.script, 'c', 'loop', 60_000);
    assert.ok(cut.found && !cut.ok);
    await all.records.next(({ kind }) => kind === 'timeout');
    assert.deepEqual(await call(all.script, 'c', 'text'), returned('hello eve'));
  });

  test('suspends the limit of a turn; one that goes on when it has left ends the isolate, and the instance comes back', async () => {
    await using all = await debuggable();
    await all.enter('c', 'joe');
    const debug = await all.attach();
    await debug.send('Runtime.enable'); // its session is open
    assert.deepEqual(await call(all.script, 'c', 'loop', 5 * TURN_MS), returned('through'));
    const endless = call(all.script, 'c', 'loop', 60_000);
    await debug.send('Debugger.enable');
    await debug.send('Debugger.pause');
    await debug.next('Debugger.paused');
    await debug.leave();
    const cut = await endless;
    assert.ok(cut.found && !cut.ok);
    const { message } = await all.records.next(({ kind }) => kind === 'crash');
    assert.match(String(message), /did not end within 100 ms after the debugger had left/);
    assert.deepEqual(await call(all.script, 'c', 'loop', 0), returned('through'));
    await using again = await all.attach();
    await again.send('Runtime.enable');
  });

  test('takes a profile of what the processor does', async () => {
    await using all = await debuggable();
    await all.enter('c', 'ann');
    await using debug = await all.attach();
    await debug.send('Profiler.enable');
    await debug.send('Profiler.start');
    await call(all.script, 'c', 'loop', 50);
    const { profile } = await debug.send('Profiler.stop');
    const names = profile.nodes.map((node: { callFrame: { url: string } }) => node.callFrame.url);
    assert.ok(names.includes(BUNDLE), names.join());
  });

  test('is told to leave when a new version serves, and finds that one at the same address', async () => {
    await using all = await debuggable();
    await all.enter('c', 'ann');
    const debug = await all.attach();
    await debug.send('Runtime.enable');
    await all.folder.write('chat/greeting.ts', GREETING.replace('hello', 'good day'));
    const { code, reason } = await debug.closed;
    assert.deepEqual({ code, reason }, { code: 1001, reason: 'a new version serves' });
    assert.deepEqual(await listTargets(all.port), all.targets);
    await using again = await all.attach();
    await breakAt(again, 'greeting(guest.name)');
    const entered = all.enter('d', 'joe');
    await again.next('Debugger.paused');
    await again.send('Debugger.resume');
    assert.deepEqual(await entered, { accepted: true });
    assert.deepEqual(await call(all.script, 'd', 'text'), returned('good day joe'));
  });

  test('a script that is saved while it stands at a breakpoint is replaced once it goes on, and hands its data over', async () => {
    await using all = await debuggable();
    await all.enter('c', 'ann');
    const debug = await all.attach();
    await breakAt(debug, 'return this.data');
    const asked = call(all.script, 'c', 'text');
    await debug.next('Debugger.paused');
    await all.folder.write('chat/main.ts', CHAT.replace('return this.data', 'return this.data + "!"'));
    const serves = all.records.next(({ event }) => event === 'script-reload');
    await debug.send('Debugger.resume');
    assert.deepEqual(await asked, returned('hello ann'));
    await serves;
    assert.equal((await debug.closed).reason, 'a new version serves');
    assert.deepEqual(await call(all.script, 'c', 'text'), returned('hello ann!'));
    assert.deepEqual(all.records.errors, []);
  });

  test('may attach from the moment that the settings say so, and no longer: nobody is disconnected', async () => {
    let isInspectable = false;
    await using all = await hosting(
      { 'chat/main.ts': CHAT, 'chat/greeting.ts': GREETING },
      undefined,
      () => ({
        isInspectable,
      }),
    );
    const { script, instance } = all.open('chat');
    await script.started;
    instance.clients.push('c');
    await connect(script, 'c', 'ann');
    const { port } = (await all.inspector.open())!;
    assert.deepEqual(await listTargets(port), []);
    const configure = async (value: boolean) => {
      isInspectable = value;
      const serves = all.records.next(({ event }) => event === 'script-reload');
      all.host.configure('chat');
      await serves;
    };
    await configure(true);
    const [target] = await listTargets(port);
    const debug = await TestDebugger.attach(target!.webSocketDebuggerUrl);
    await breakAt(debug, 'return this.data');
    const asked = call(script, 'c', 'text');
    await debug.next('Debugger.paused');
    await debug.send('Debugger.resume');
    assert.deepEqual(await asked, returned('hello ann'));
    await configure(false);
    await debug.closed;
    assert.deepEqual(await listTargets(port), []);
    await assert.rejects(TestDebugger.attach(target!.webSocketDebuggerUrl));
    assert.deepEqual(await call(script, 'c', 'text'), returned('hello ann'));
    assert.deepEqual(instance.done, []);
  });

  test('stands at a `debugger` statement, in the TypeScript; with nobody attached the statement does nothing', async () => {
    await using all = await hosting({ 'chat/main.ts': STOPS }, undefined, () => ({ isInspectable: true }));
    const { script, instance } = all.open('chat');
    await script.started;
    instance.clients.push('c');
    assert.deepEqual(await connect(script, 'c'), { accepted: true });
    assert.deepEqual(await call(script, 'c', 'stops', 1), returned(2));
    const { port } = (await all.inspector.open())!;
    await using debug = await TestDebugger.attach((await listTargets(port))[0]!.webSocketDebuggerUrl);
    await debug.send('Debugger.enable');
    const { sourceMapURL } = await debug.next('Debugger.scriptParsed', ({ url }) => url === BUNDLE);
    const map = new TraceMap(Buffer.from(sourceMapURL.split(',')[1], 'base64').toString());
    const asked = call(script, 'c', 'stops', 2);
    const { callFrames } = await debug.next('Debugger.paused');
    const { lineNumber, columnNumber } = callFrames[0].location;
    const { line } = originalPositionFor(map, { line: lineNumber + 1, column: columnNumber });
    assert.equal(line, STOPS.split('\n').findIndex((text) => text.includes('debugger;')) + 1);
    await debug.send('Debugger.resume');
    assert.deepEqual(await asked, returned(4));
  });

  test('is alone: a second one is sent away, and may come when the first has left', async () => {
    await using all = await debuggable();
    const first = await all.attach();
    const second = await all.attach();
    assert.match((await second.closed).reason, /another debugger/);
    const left = all.left();
    await first.leave();
    await left;
    await using third = await all.attach();
    await third.send('Runtime.enable');
  });

  test('leaves with the runner, and nothing of it stays behind', async () => {
    await using all = await debuggable();
    await all.enter('c', 'ann');
    const debug = await all.attach();
    await debug.send('Runtime.enable');
    all.script.close();
    await debug.closed;
    assert.deepEqual(await listTargets(all.port), []);
  });
});

describe('the port for debuggers', { timeout: 60_000 }, () => {
  /** Status of the answer. */
  function ask(port: number, path: string, headers: Record<string, string>): Promise<number> {
    return new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path, headers });
      asked.on('error', reject);
      asked.on('upgrade', (response, socket) => {
        socket.destroy();
        resolve(response.statusCode!);
      });
      asked.on('response', (response) => {
        response.resume();
        resolve(response.statusCode!);
      });
      asked.end();
    });
  }
  const UPGRADE = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': Buffer.alloc(16).toString('base64'),
  };

  test('refuses names that are not of this machine, pages of the web, and ids that it has not given', async () => {
    await using all = await debuggable();
    const { pathname } = new URL(all.targets[0]!.webSocketDebuggerUrl);
    const own = { host: `localhost:${all.port}` };
    const foreign = { host: 'rebound.example:9229' };
    assert.deepEqual(
      {
        list: await ask(all.port, '/json/list', own),
        version: await ask(all.port, '/json/version', own),
        other: await ask(all.port, '/', own),
        rebound: await ask(all.port, '/json/list', foreign),
        attach: await ask(all.port, pathname, { ...UPGRADE, ...own }),
        wrongId: await ask(all.port, `${pathname.slice(0, -1)}_`, { ...UPGRADE, ...own }),
        reboundAttach: await ask(all.port, pathname, { ...UPGRADE, ...foreign }),
        page: await ask(all.port, pathname, { ...UPGRADE, ...own, origin: 'https://evil.example' }),
        devTools: await ask(all.port, pathname, { ...UPGRADE, ...own, origin: 'devtools://devtools' }),
      },
      {
        ...{ list: 200, version: 200, other: 404, rebound: 403 },
        ...{ attach: 101, wrongId: 404, reboundAttach: 403, page: 403, devTools: 101 },
      },
    );
  });
});
