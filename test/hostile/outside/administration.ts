// The ports of the operator: the administration, and the one for debuggers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { OutsideAttack, Siege, Stage } from '../stage.ts';

/** The terminal's own way in: run/admin.json. */
async function operate({ server }: Stage): Promise<void> {
  const { url, token } = JSON.parse(readFileSync(join(server.root, 'run', 'admin.json'), 'utf8')) as Record<
    string,
    string
  >;
  const headers = { authorization: `Bearer ${token}` };
  const signal = AbortSignal.timeout(5_000);
  for (const path of ['/api/v1/server', '/metrics']) {
    const response = await fetch(`${url}${path}`, { headers: { ...headers, connection: 'close' }, signal });
    assert.equal(response.status, 200, path);
    await response.text();
  }
}

/** `count` connections say `head`, then `byte` ten times a second; whoever is closed comes again. Meanwhile the operator works. */
function slowly(name: string, count: number, head: string, byte = ''): OutsideAttack {
  return {
    name,
    async run(stage) {
      const { port } = stage.server.listener('admin');
      let isOver = false;
      const sockets = new Set<ReturnType<typeof connect>>();
      const come = () => {
        const socket = connect({ host: '127.0.0.1', port });
        sockets.add(socket);
        socket.on('error', () => {}).write(head);
        socket.once('close', () => {
          sockets.delete(socket);
          if (!isOver) setTimeout(come, 100);
        });
      };
      for (let i = 0; i < count; i += 1) come();
      const dripping = setInterval(() => {
        for (const socket of sockets) if (byte !== '' && socket.writable) socket.write(byte);
      }, 100);
      try {
        for (let i = 0; i < 10; i += 1) await operate(stage);
      } finally {
        isOver = true;
        clearInterval(dripping);
        for (const socket of sockets) socket.destroy();
      }
    },
  };
}

const HOST = 'HTTP/1.1\r\nHost: localhost\r\n';
const WRONG = `Authorization: Basic ${Buffer.from('admin:wrong').toString('base64')}\r\n`;

export const SIEGE: Siege = {
  title: 'the administration',
  attacks: [
    slowly('150 heads that come byte by byte', 150, `GET /api/v1/server ${HOST}X-A: `, 'x'),
    slowly('400 heads that come byte by byte', 400, `GET /api/v1/server ${HOST}X-A: `, 'x'),
    slowly(
      '150 bodies that come byte by byte',
      150,
      `POST /api/v1/tokens ${HOST}Content-Length: 60000\r\n\r\n`,
      'x',
    ),
    slowly('150 connections that say nothing', 150, ''),
    slowly('150 idle connections behind an answer', 150, `GET / ${HOST}\r\n`),
    slowly('150 connections that ask a lot and read nothing', 150, `GET /metrics ${HOST}\r\n`.repeat(10)),
    slowly(
      '60 connections that guess passwords all the time',
      60,
      `GET /metrics ${HOST}${WRONG}\r\n`,
      `GET /metrics ${HOST}${WRONG}\r\n`,
    ),
    slowly('20 connections with ten thousand requests each', 20, `GET / ${HOST}\r\n`.repeat(10_000)),
  ],
};
