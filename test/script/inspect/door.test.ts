// Who gets in at the port for debuggers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { pacedBy } from '../../../src/adaptor/link/paced-stream.ts';
import { bindError } from '../../../src/adaptor/ports/bind-error.ts';
import { Turns } from '../../../src/application/pace/turns.ts';
import { systemClock } from '../../../src/clock.ts';
import { LineLimit } from '../../../src/log/line-limit.ts';
import { type Debugger, Inspector } from '../../../src/script/inspect/inspector.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { Records } from '../support/records.ts';

class Port implements AsyncDisposable {
  readonly inspector: Inspector;
  readonly lines = new LineLimit(new ManualClock());
  readonly slices: number[] = [];
  attached = 0;
  readonly #paced = pacedBy(new Turns(systemClock));
  #port = 0;

  constructor() {
    const { log } = new Records();
    this.inspector = new Inspector({
      ...{ port: 0, software: 'Test', log, lines: this.lines, bindError },
      paced: (socket) => {
        const paced = this.#paced(socket);
        paced.on('data', (slice: Buffer) => this.slices.push(slice.length));
        return paced;
      },
    });
  }

  static async open(): Promise<Port> {
    const port = new Port();
    port.inspector.add({
      name: 'live/_definst_',
      url: 'file:///main.ts',
      attach: (_debug: Debugger) => {
        port.attached += 1;
        return { send() {}, detach() {} };
      },
    });
    port.#port = (await port.inspector.open())!.port;
    return port;
  }

  get port(): number {
    return this.#port;
  }

  ask(path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port: this.#port, path, headers, agent: false },
        (response) => {
          let body = '';
          response.on('data', (part) => {
            body += part;
          });
          response.on('end', () => resolve({ status: response.statusCode!, body }));
        },
      );
      sent.on('error', reject).end();
    });
  }

  async id(): Promise<string> {
    return JSON.parse((await this.ask('/json/list')).body)[0].id;
  }

  /** Whether a debugger from there gets to the script. */
  async attach(headers: Record<string, string>): Promise<boolean> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.#port}/${await this.id()}`, { headers });
    const opened = new Promise<boolean>((resolve) => {
      socket.on('open', () => resolve(true));
      socket.on('error', () => resolve(false));
    });
    const isIn = await opened;
    socket.terminate();
    return isIn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inspector.close();
    this.lines.close();
  }
}

describe('pages', () => {
  const FOREIGN = [
    'null',
    'http://evil.example',
    'https://evil.example',
    'http://127.0.0.1:80',
    'http://localhost',
    'file://',
    'chrome-extension://abcdef',
    'devtools://evil',
    'devtools://devtools.evil',
    'https://chrome-devtools-frontend.appspot.com',
    '',
  ];

  test('that are no debugger do not attach, a sandboxed one neither', async () => {
    await using port = await Port.open();
    for (const origin of FOREIGN) assert.equal(await port.attach({ origin }), false, JSON.stringify(origin));
    assert.equal(port.attached, 0);
  });

  test('that are no debugger do not see the list', async () => {
    await using port = await Port.open();
    for (const origin of FOREIGN)
      assert.equal((await port.ask('/json/list', { origin })).status, 403, origin);
    for (const site of ['cross-site', 'same-site'])
      assert.equal((await port.ask('/json/list', { 'sec-fetch-site': site })).status, 403, site);
  });

  test('of a name that an attacker’s DNS makes point here are refused', async () => {
    await using port = await Port.open();
    for (const host of ['evil.example', '127.0.0.1.evil', 'localhost.evil:9229', '192.0.2.1', '0.0.0.0'])
      assert.equal((await port.ask('/json/list', { host })).status, 403, host);
    assert.equal(await port.attach({ host: 'evil.example' }), false);
  });
});

test('debuggers attach: programs without an origin, and the pages of DevTools', async () => {
  await using port = await Port.open();
  for (const headers of [
    {},
    { origin: 'devtools://devtools' },
    { origin: 'chrome-devtools://devtools' },
  ] as Record<string, string>[])
    assert.equal(await port.attach(headers), true, JSON.stringify(headers));
});

test('two hundred connections that say nothing keep no debugger out, and end none that is attached', async () => {
  await using port = await Port.open();
  const attached = new WebSocket(`ws://127.0.0.1:${port.port}/${await port.id()}`);
  await once(attached, 'open');
  const sockets: Socket[] = Array.from({ length: 200 }, () => {
    const socket = connect(port.port, '127.0.0.1');
    socket.on('error', () => {}).resume();
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  assert.equal(await port.attach({}), true);
  assert.equal(attached.readyState, WebSocket.OPEN);
  const reached = port.lines.limitCounts().find(({ limit }) => limit === 'MaxInspectorConnections');
  assert.ok(reached!.count > 0);
  attached.terminate();
  for (const socket of sockets) socket.destroy();
});

test('what a debugger sends is read in slices of 4 kB', async () => {
  await using port = await Port.open();
  const { status } = await port.ask('/json/list', { 'x-long': 'x'.repeat(12_000) });
  assert.equal(status, 200);
  assert.ok(port.slices.length >= 3, `${port.slices}`);
  assert.ok(Math.max(...port.slices) <= 4096, `${port.slices}`);
});

test('a connection that sends requests faster than it reads the answers is closed, and the limit is counted', async () => {
  await using port = await Port.open();
  const socket = connect(port.port, '127.0.0.1');
  const closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
  socket.write('GET /json/list HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1_000));
  socket.resume();
  await closed;
  const reached = port.lines.limitCounts().find(({ limit }) => limit === 'MaxInspectorConnections');
  assert.equal(reached?.count, 1);
});
