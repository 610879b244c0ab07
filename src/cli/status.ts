// `understudy status [--json]`: what the running server does, and which applications do not do what their files say.
import { posix } from 'node:path';
import { callOf } from './call.ts';
import type { Colours } from './colours.ts';
import { instancePath, printable, Running } from './running.ts';
import { formatPicture, formatSound, type Picture, type Sound } from './track-text.ts';
import { bitrate, count, duration } from './units.ts';

/** The parts of the answers that are shown. */
interface Server {
  software: string;
  pid: number;
  upMs: number;
  connected: number;
  bytesInPerSecond: number;
  bytesOutPerSecond: number;
  outgoing: { bytesInPerSecond: number; bytesOutPerSecond: number };
  messagesDropped: number;
  load: { widenedMs: number };
  process: { cpuPercent: number; residentBytes: number };
}
interface Host {
  adaptor: string;
  vhost: string;
}
interface Application extends Host {
  name: string;
  problem?: {
    state: string;
    reason: string;
    file?: string;
    line?: number;
    column?: number;
    instance?: string;
  };
}
interface Restream {
  stream?: string;
  address: string;
  state: string;
  reason?: string;
  agoMs?: number;
}
interface Instance extends Host {
  name: string;
  connected: number;
  restreams: Restream[];
  forgottenConnections: { address: string; connections: number; streams: string[] }[];
  streams: Stream[];
}
interface Rate {
  tenSeconds: number;
}
interface Stream {
  name: string;
  publisher: { upMs: number };
  publisherIp: string;
  publisherAgent: string;
  item?: string;
  subscribers: unknown[];
  isRecorded: boolean;
  video: Picture[];
  audio: Sound[];
  rates: { video: Rate; audio: Rate; in: Rate; out: Rate };
}

export interface Status {
  server: Server;
  applications: Application[];
  instances: Instance[];
}

export async function readStatus(root: string): Promise<Status> {
  const running = await Running.of(root);
  const server = (await running.ask('GET', '/server')) as Server;
  const hosts = (await running.ask('GET', '/hosts')) as { adaptor: string; name: string }[];
  const applications: Application[] = [];
  for (const { adaptor, name: vhost } of hosts) {
    const query = new URLSearchParams({ adaptor, vhost });
    const found = (await running.ask('GET', `/applications?${query}`)) as Omit<Application, keyof Host>[];
    applications.push(...found.map((one) => ({ adaptor, vhost, ...one })));
  }
  const instances = (await running.ask('GET', '/instances')) as Instance[];
  for (const instance of instances) {
    const { name, adaptor, vhost } = instance;
    const query = new URLSearchParams({ adaptor, vhost });
    instance.streams = (await running.ask('GET', `${instancePath(name)}/streams?${query}`)) as Stream[];
  }
  return { server, applications, instances };
}

export async function status(
  root: string,
  asJson: boolean,
  { print, colours }: { print(line: string): void; colours: Colours },
): Promise<void> {
  const found = await readStatus(root);
  if (asJson) print(JSON.stringify(found, undefined, 2));
  else for (const line of linesOf(found, root, colours)) print(line);
}

function* linesOf(
  { server, applications, instances }: Status,
  root: string,
  { red }: Colours,
): Generator<string> {
  yield* serverLines(server);
  const [first] = applications;
  /** Of another virtual host than the first. */
  const of = ({ adaptor, vhost }: Host) =>
    first && (adaptor !== first.adaptor || vhost !== first.vhost) ? ` of ${vhost}` : '';
  for (const instance of instances) {
    yield `${printable(instance.name)}${of(instance)}: ${count(instance.connected, 'client')}`;
    yield* instanceLines(instance, red);
  }
  const ill = applications.filter(({ problem }) => problem !== undefined);
  for (const one of ill) yield red(problemLine(one, of(one)));
  if (ill.length > 0) yield `What happened: ${callOf('errors', root)}`;
}

function* serverLines({ software, pid, upMs, outgoing, ...server }: Server): Generator<string> {
  yield `${software}, process ${pid}, up ${duration(upMs)}`;
  const [came, went] = [outgoing.bytesInPerSecond, outgoing.bytesOutPerSecond];
  const all = [
    count(server.connected, 'client'),
    `in ${bitrate(server.bytesInPerSecond + came)}${came > 0 ? ` (${bitrate(came)} from other servers)` : ''}`,
    `out ${bitrate(server.bytesOutPerSecond + went)}${went > 0 ? ` (${bitrate(went)} to other servers)` : ''}`,
    `${count(server.messagesDropped, 'message')} dropped`,
  ];
  yield all.join(', ');
  const memory = Math.round(server.process.residentBytes / (1 << 20));
  yield `${server.process.cpuPercent}% of a core, ${memory} MB`;
  const { widenedMs } = server.load;
  if (widenedMs > 0) yield `under load: streams gather for ${widenedMs} ms before they are sent`;
}

function* instanceLines(
  { streams, restreams, forgottenConnections }: Instance,
  red: Colours['red'],
): Generator<string> {
  const lineOf = (one: Restream) => (one.state === 'failed' ? red(restreamLine(one)) : restreamLine(one));
  for (const stream of streams) {
    yield* streamLines(stream);
    for (const one of restreams) if (one.stream === stream.name) yield `    ${lineOf(one)}`;
  }
  const names = new Set(streams.map(({ name }) => name));
  for (const one of restreams) {
    if (one.stream !== undefined && names.has(one.stream)) continue;
    yield `  ${one.stream === undefined ? '' : `${printable(one.stream)}, not on air, `}${lineOf(one)}`;
  }
  for (const { address, connections, streams: sent } of forgottenConnections) {
    const what = sent.length > 0 ? ` for ${sent.map(printable).join(', ')}` : '';
    const whose = 'that no later version of the script has taken over';
    yield `  ${count(connections, 'connection')} to ${printable(address)}${what} ${whose}`;
  }
}

function* streamLines(stream: Stream): Generator<string> {
  const { name, publisher, publisherIp, publisherAgent, item, subscribers, isRecorded, video, audio, rates } =
    stream;
  const tracks = [
    ...video.map((one) => formatPicture(one, video.length > 1)),
    ...audio.map((one) => formatSound(one, audio.length > 1)),
  ];
  yield `  ${printable(name)}: ${tracks.length > 0 ? printable(tracks.join(', ')) : 'no picture and no sound yet'}`;
  const agent = publisherAgent === '' ? '' : ` (${printable(publisherAgent)})`;
  const who =
    publisherIp === ''
      ? `the server${item === undefined ? '' : `, playing ${printable(item)}`}`
      : publisherIp;
  const kinds = `video ${bitrate(rates.video.tenSeconds)}, audio ${bitrate(rates.audio.tenSeconds)}`;
  yield `    in ${bitrate(rates.in.tenSeconds)} (${kinds}) from ${who}${agent}, for ${duration(publisher.upMs)}`;
  const players = count(subscribers.length, 'player');
  yield `    out ${bitrate(rates.out.tenSeconds)}, ${players}${isRecorded ? ', recorded' : ''}`;
}

const RESTREAM_TEXTS: Readonly<Record<string, string>> = {
  connecting: 'connecting',
  asking: 'waiting for permission to publish',
  ready: 'ready to receive it',
  sending: 'receives it',
};

function restreamLine({ address, state, reason = '', agoMs = 0 }: Restream): string {
  const text = RESTREAM_TEXTS[state] ?? `failed ${duration(agoMs)} ago: ${printable(reason)}`;
  return `${printable(address)} ${text}`;
}

const PROBLEM_TEXTS: Readonly<Record<string, string>> = {
  closed: 'is closed by an error in its settings',
  quarantined: 'is quarantined',
  broken: 'refuses all clients, since its script cannot be started',
  outdated: 'runs an earlier version because of an error',
};

function problemLine({ name, problem }: Application, ofHost: string): string {
  const { state, reason, file, line, column, instance } = problem!;
  const whole = instance === undefined ? name : `${name}/${instance}`;
  const path = file === undefined || posix.isAbsolute(file) ? file : posix.join(name, file);
  const place = [path, line, column].filter((part) => part !== undefined).join(':');
  const where = place === '' ? '' : `${place}: `;
  return printable(`${whole}${ofHost} ${PROBLEM_TEXTS[state] ?? state}: ${where}${reason}`);
}
