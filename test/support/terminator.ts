// Programs that take TLS off in front of a plain port: stunnel and HAProxy, each on a port of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SelfSigned } from '../../src/cli/self-signed.ts';
import { endsWithUs, Tail } from './child.ts';
import { programPath } from './debian.ts';

export interface Terminator extends AsyncDisposable {
  /** Where it takes TLS, on 127.0.0.1. */
  readonly port: number;
}

export interface TerminatorOptions {
  certificate: SelfSigned;
  /** Where it passes on what was inside, on 127.0.0.1. */
  target: number;
}

/** `proxyHeader`: version 1, the only one it speaks. */
export function startStunnel(options: TerminatorOptions & { proxyHeader?: boolean }): Promise<Terminator> {
  const { target, proxyHeader = false } = options;
  return start(options, 'stunnel', (port, pem) => [
    'foreground = yes',
    'pid =',
    '[rtmps]',
    `accept = 127.0.0.1:${port}`,
    `connect = 127.0.0.1:${target}`,
    `cert = ${pem}`,
    ...(proxyHeader ? ['protocol = proxy'] : []),
  ]);
}

/** `send`: a keyword of its server line, such as send-proxy-v2. */
export function startHaproxy(options: TerminatorOptions & { send?: string }): Promise<Terminator> {
  const { target, send = '' } = options;
  return start(options, 'haproxy', (port, pem) => [
    'defaults',
    '  mode tcp',
    '  timeout connect 10s',
    '  timeout client 60s',
    '  timeout server 60s',
    'listen rtmps',
    `  bind 127.0.0.1:${port} ssl crt ${pem}`,
    `  server fms 127.0.0.1:${target} ${send}`,
  ]);
}

/** Tries ports: the programs cannot be told to take any that is free, and somebody else may take it before they do. */
async function start(
  { certificate }: TerminatorOptions,
  program: 'stunnel' | 'haproxy',
  config: (port: number, pem: string) => string[],
): Promise<Terminator> {
  const folder = mkdtempSync(join(tmpdir(), `understudy-${program}-`));
  const [file, pem] = [join(folder, `${program}.conf`), join(folder, 'server.pem')];
  writeFileSync(pem, certificate.key + certificate.certificate);
  const output = new Tail();
  for (let tries = 0; tries < 5; tries += 1) {
    const port = await freePort();
    writeFileSync(file, `${config(port, pem).join('\n')}\n`);
    const args = program === 'haproxy' ? ['-db', '-f', file] : [file];
    const child = endsWithUs(spawn(programPath(program), args, { stdio: ['ignore', 'pipe', 'pipe'] }));
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => output.add(String(text)));
    if (await accepts(port, child)) {
      return {
        port,
        async [Symbol.asyncDispose]() {
          if (child.exitCode === null && child.signalCode === null) {
            child.kill('SIGKILL');
            await once(child, 'exit');
          }
          rmSync(folder, { recursive: true, force: true });
        },
      };
    }
  }
  rmSync(folder, { recursive: true, force: true });
  throw new Error(`${program} does not start:\n${output}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Until it listens or has ended. */
async function accepts(port: number, child: ChildProcess): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return true;
    await new Promise((resolve) => setTimeout(resolve, 20)); // it says nothing when it is ready
  }
  return false;
}
