// What edge.00.log says of the ports at a start: whether there is IPv6, a line for each that is open, one for each that is not.
import { formatStatus, Subject } from './diagnostic-log.ts';

export interface EdgeReport {
  /** Of this machine, and of Server.xml's NetworkingIPv6. */
  ipv6: { isThere: boolean; isEnabled: boolean };
  adaptors: readonly EdgePorts[];
}

/** Of one adaptor. */
export interface EdgePorts {
  name: string;
  ports: readonly { port: number; family: 'v4' | 'v6'; secure: boolean }[];
  /** Why others stay closed. */
  problems: readonly string[];
}

/** x-status and x-ctx. */
export type EdgeLine = [status: string, text: string];

const INFORMATION = formatStatus('i', Subject.Adaptor, 1173);
const STARTED = formatStatus('i', Subject.Adaptor, 1174);
const CLOSED = formatStatus('e', Subject.Adaptor, 1175);

/** Watchers look for `Listener started ( <adaptor>_edge1 ) : <port>/v4`; FMS's edge was a process, ours is only its name. */
export function edgeLines({ ipv6, adaptors }: EdgeReport): EdgeLine[] {
  const families = new Set(adaptors.flatMap(({ ports }) => ports.map(({ family }) => family)));
  const mode = families.size === 2 ? 'dual-stack' : families.has('v6') ? 'IPv6' : 'IPv4';
  return [
    [INFORMATION, `IPv6 protocol stack ${ipv6.isThere ? '' : 'not '}detected`],
    [INFORMATION, `NetworkingIPv6 enable="${ipv6.isEnabled}"`],
    [INFORMATION, `Running in ${mode} mode`],
    ...adaptors.flatMap(portLines),
  ];
}

/** At the start, and again for ports that are opened later. */
export function portLines({ name, ports, problems }: EdgePorts): EdgeLine[] {
  return [
    ...ports.map(({ port, family, secure }): EdgeLine => {
      const tls = secure ? ' (TLS)' : '';
      return [STARTED, `Listener started ( ${name}_edge1 ) : ${port}/${family}${tls}`];
    }),
    ...problems.map((problem): EdgeLine => [CLOSED, `( ${name}_edge1 ) ${problem}`]),
  ];
}
