import assert from 'node:assert/strict';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import type { FindAddress } from '../../src/log/known-address.ts';
import { LogCollector, type LogCollectorOptions } from '../../src/log/log-collector.ts';
import { LogFile } from '../../src/log/log-file.ts';
import { until } from '../support/core.ts';
import { Desk } from './support.ts';

const HEAD = '#Version: 1.0\r\n#Fields: date\tx-event\r\n';
const SENT_HEAD = '#Version: 1.0\r\n#Fields: s-computername\tdate\tx-event\r\n';

class CollectorDesk extends Desk {
  /** Names that were looked up. */
  readonly asked: string[] = [];
  address = '127.0.0.1';
  readonly findAddress: FindAddress = (host, family, found) => {
    this.asked.push(host);
    const { address } = this;
    setImmediate(() => found(null, address, family));
  };

  open(port: number, options: Partial<LogCollectorOptions> = {}): LogCollector {
    const settings = { host: '127.0.0.1', port, serverId: 'tv1', linesPerHead: 2 };
    return this.keep(
      new LogCollector(
        { type: 'tcp', ...settings, ...options },
        { time: this.time, onProblem: this.onProblem, findAddress: this.findAddress },
      ),
    );
  }
}

/** A TCP server that keeps what it hears. */
class Listener implements AsyncDisposable {
  heard = '';
  readonly sockets: Socket[] = [];
  readonly #server = createServer((socket) => {
    this.sockets.push(socket);
    socket
      .on('error', () => {})
      .setEncoding('utf8')
      .on('data', (text: string) => {
        this.heard += text;
      });
  });

  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

test('TCP: each line with the name of the server, the head first and again after so many', async () => {
  await using listener = new Listener();
  await using desk = new CollectorDesk();
  const collector = desk.open(await listener.listen());
  for (const line of ['one', 'two', 'three']) collector.write(`${line}\r\n`, () => HEAD);
  await collector.close();
  await until('all of it', () => listener.heard.endsWith('three\r\n'));
  assert.equal(listener.heard, `${SENT_HEAD}tv1\tone\r\ntv1\ttwo\r\n${SENT_HEAD}tv1\tthree\r\n`);
  assert.deepEqual(desk.problems, []);
});

test('UDP: each line is a datagram', async () => {
  await using desk = new CollectorDesk();
  const receiver = createSocket('udp4');
  const heard: string[] = [];
  receiver.on('message', (bytes) => heard.push(String(bytes)));
  receiver.bind(0, '127.0.0.1');
  await once(receiver, 'listening');
  const collector = desk.open(receiver.address().port, { type: 'udp', linesPerHead: 100 });
  for (const line of ['one', 'two']) collector.write(`${line}\n`, () => HEAD);
  await until('three of them', () => heard.length === 3);
  assert.deepEqual(heard, [SENT_HEAD, 'tv1\tone\n', 'tv1\ttwo\n']);
  await collector.close();
  receiver.close();
  assert.deepEqual(desk.problems, []);
});

async function receive(address = '127.0.0.1', port = 0): Promise<{ socket: UdpSocket; heard: string[] }> {
  const socket = createSocket('udp4');
  const heard: string[] = [];
  socket.on('message', (bytes) => heard.push(String(bytes)));
  socket.bind(port, address);
  await once(socket, 'listening');
  return { socket, heard };
}

test('UDP: the address of the collector is looked up once a minute, not for each line', async () => {
  await using desk = new CollectorDesk();
  const first = await receive();
  const second = await receive('127.0.0.2', first.socket.address().port);
  const collector = desk.open(first.socket.address().port, {
    ...{ type: 'udp', host: 'logs.example', linesPerHead: 10_000 },
  });
  for (let i = 0; i < 200; i += 1) collector.write(`${i}\n`, () => HEAD);
  await until('all of them', () => first.heard.length === 201);
  assert.deepEqual(desk.asked, ['logs.example']);
  desk.turn(59_000);
  collector.write('still\n', () => HEAD);
  await until('that', () => first.heard.length === 202);
  assert.equal(desk.asked.length, 1);
  desk.address = '127.0.0.2'; // it has moved
  desk.turn(1_000);
  collector.write('old\n', () => HEAD);
  await until('that at the old address', () => first.heard.length === 203);
  assert.equal(desk.asked.length, 2);
  await new Promise((resolve) => setImmediate(resolve));
  collector.write('new\n', () => HEAD);
  await until('that at the new one', () => second.heard.length === 1);
  assert.equal(desk.asked.length, 2);
  await collector.close();
  for (const { socket } of [first, second]) socket.close();
  assert.deepEqual(desk.problems, []);
});

test('UDP: a line that no datagram takes is cut, and those behind it arrive', async () => {
  await using desk = new CollectorDesk();
  const { socket, heard } = await receive();
  const collector = desk.open(socket.address().port, { type: 'udp', linesPerHead: 100 });
  collector.write(`${'x'.repeat(70_000)}\n`, () => HEAD);
  collector.write('next\n', () => HEAD);
  await until('three of them', () => heard.length === 3);
  assert.deepEqual([heard[1]!.length, heard[2]], [65_507, 'tv1\tnext\n']);
  await collector.close();
  socket.close();
  assert.deepEqual(desk.problems, []);
});

test('one that is away is said once and tried again after a while; it begins with the head', async () => {
  await using listener = new Listener();
  const port = await listener.listen();
  await using desk = new CollectorDesk();
  const collector = desk.open(port, { linesPerHead: 100 });
  collector.write('one\n', () => HEAD);
  await until('the first', () => listener.heard.endsWith('one\n'));
  await listener[Symbol.asyncDispose]();
  await until('the end', () => desk.problems.length === 1);
  assert.match(
    JSON.stringify(desk.problems),
    new RegExp(`"tcp:127\\.0\\.0\\.1:${port}","message":"it has closed`),
  );
  collector.write('lost\n', () => HEAD);
  for (let i = 0; i < 20; i += 1) {
    desk.turn(5_000);
    collector.write('refused\n', () => HEAD);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(desk.problems.length, 1, 'it is said once');
  await using again = new Listener();
  await again.listen(port);
  await until('it to be heard again', () => {
    desk.turn(5_000);
    collector.write('two\n', () => HEAD);
    return again.heard !== '';
  });
  assert.match(again.heard, /^#Version: 1\.0\r\n#Fields: s-computername\tdate\tx-event\r\ntv1\ttwo\n/);
});

test('one that does not read costs so much memory and no more', async () => {
  await using listener = new Listener();
  const port = await listener.listen();
  await using desk = new CollectorDesk();
  const collector = desk.open(port);
  collector.write('begin\n', () => HEAD);
  await until('the connection', () => listener.sockets.length === 1);
  listener.sockets[0]!.pause();
  const line = `${'x'.repeat(60_000)}\n`;
  for (let i = 0; i < 1_000 && desk.problems.length === 0; i += 1) collector.write(line, () => HEAD);
  assert.deepEqual(desk.problems, [
    { path: `tcp:127.0.0.1:${port}`, message: 'the log collector is too slow; lines are dropped' },
  ]);
  const closed = collector.close();
  desk.turn(1_000); // it is not waited for
  await closed;
});

test('a file hands on each of its lines, and its head', async () => {
  await using listener = new Listener();
  await using desk = new CollectorDesk();
  const rotation = { maxBytes: 1 << 20, schedule: undefined, history: 5, rename: true };
  const file = desk.keep(
    new LogFile(
      { directory: desk.folder, fileName: 'x.[NN].log', rotation, zone: 'utc' },
      {
        time: desk.time,
        header: () => HEAD,
        onProblem: desk.onProblem,
        collector: desk.open(await listener.listen()),
      },
    ),
  );
  file.write('one\r\n');
  await until('it to be heard', () => listener.heard === `${SENT_HEAD}tv1\tone\r\n`);
  await file.close();
  assert.equal(desk.read('x.00.log'), `${HEAD}one\r\n`);
});
