// What the machine takes for a question to another process: no gate is answered sooner.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { endsWithUs } from '../test/support/child.ts';

const CHANNEL_FD = 3;
const ECHO = `
  const channel = new (require('node:net').Socket)({ fd: ${CHANNEL_FD}, readable: true, writable: true });
  channel.on('data', (bytes) => channel.write(bytes));
  channel.on('close', () => process.exit());`;
const WARM = 50;

/** A byte to a child that does nothing else and back, as the runner is asked, so many a second; ms each. */
export async function roundTrips(perSecond: number, count: number): Promise<number[]> {
  const stdio = ['ignore', 'ignore', 'inherit', 'pipe'] as const;
  const child = endsWithUs(spawn(process.execPath, ['-e', ECHO], { stdio: [...stdio] }));
  const channel = child.stdio[CHANNEL_FD] as Socket;
  const times: number[] = [];
  for (let i = 0; i < WARM + count; i += 1) {
    const since = performance.now();
    channel.write('?');
    await once(channel, 'data');
    if (i >= WARM) times.push(performance.now() - since);
    await sleep(1000 / perSecond);
  }
  channel.destroy();
  await once(child, 'exit');
  return times;
}
