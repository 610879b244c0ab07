// What the logs say of a server that starts and ends.
import { networkInterfaces } from 'node:os';
import type { Adaptor, Opened } from '../adaptor/adaptor.ts';
import type { Config } from '../config/config.ts';
import type { Note } from '../config/note.ts';
import { AccessStatus } from '../log/access-status.ts';
import { formatStatus, Subject } from '../log/diagnostic-log.ts';
import { type EdgePorts, edgeLines } from '../log/edge.ts';
import type { Log } from '../log/log.ts';
import type { ServerLogs } from '../log/server-logs.ts';

/** Elements that are not used are one line together, at level debug. */
export function sayNotes(notes: readonly Note[], log: Log): void {
  for (const { level, text } of notes) if (level !== 'debug') log[level]({ event: 'config' }, text);
  const unused = notes.filter(({ level }) => level === 'debug').map(({ text }) => text);
  if (unused.length > 0) log.debug({ event: 'config', unused }, 'configuration that is not used');
}

export function sayStarted(
  { access, master, edge }: ServerLogs,
  software: string,
  config: Config,
  adaptors: readonly Adaptor[],
): void {
  master.write(formatStatus('i', Subject.Server, 1011), `Server started: ${software}`);
  const isIpv6There = Object.values(networkInterfaces()).some((all) =>
    all?.some(({ family }) => family === 'IPv6'),
  );
  const report = {
    ipv6: { isThere: isIpv6There, isEnabled: config.server.ipv6 },
    adaptors: adaptors.map((adaptor, i) => edgePorts(config.adaptors[i]!.name, adaptor)),
  };
  for (const [status, text] of edgeLines(report)) edge.write(status, text);
  access?.write('server-start', { 'x-ctx': software, 'x-status': AccessStatus.Ok });
}

export function edgePorts(name: string, { listeners, problems }: Opened): EdgePorts {
  return {
    name,
    ports: listeners.map(({ address }) => address),
    problems: problems.map(({ message }) => message),
  };
}

export function sayStopped({ access, master }: ServerLogs): void {
  access?.write('server-stop', { 'x-status': AccessStatus.Ok });
  master.write(formatStatus('i', Subject.Server, 1012), 'Server stopped');
}
