// Programs that take TLS off in front of a plain port: stunnel and HAProxy, each on a port of its own.
import { join } from 'node:path';
import type { SelfSigned } from '../../src/cli/self-signed.ts';
import { type ForeignServer, startForeign } from './foreign-server.ts';

/** It takes TLS. */
export type Terminator = ForeignServer;

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

function start(
  { certificate }: TerminatorOptions,
  program: 'stunnel' | 'haproxy',
  config: (port: number, pem: string) => string[],
): Promise<Terminator> {
  return startForeign({
    program,
    files: (port, folder) => ({
      'server.pem': certificate.key + certificate.certificate,
      [`${program}.conf`]: `${config(port, join(folder, 'server.pem')).join('\n')}\n`,
    }),
    args: (folder) => [...(program === 'haproxy' ? ['-db', '-f'] : []), join(folder, `${program}.conf`)],
  });
}
