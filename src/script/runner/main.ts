// The script runner: a child of the media process that holds the isolates. It reads no file but its own code, starts no
// process and opens no connection; all it has is the pipe it was born with, and with the pipe it ends.
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import {
  decodeBody,
  decodeEvents,
  decodeTaken,
  encodeBytes,
  encodeFrame,
  encodeTaken,
  type Frame,
  FrameReader,
} from '../wire/frames.ts';
import {
  FrameType,
  HEARTBEAT_MS,
  type InitBody,
  type LoadBody,
  MAX_FRAME_BYTES,
  MAX_LOAD_FRAME_BYTES,
  type TickBody,
} from '../wire/wire.ts';
import { CryptoTurns } from './crypto-turns.ts';
import { createEngine, type ScriptEngine } from './engine.ts';
import { ScriptInstance } from './instance.ts';
import { Scheduler } from './scheduler.ts';

const USAGE_MS = 1000;
const STDERR_FD = 2;
const CHANNEL_FD = 3;
const MAX_DEBUGGER_MESSAGE = MAX_FRAME_BYTES - 1024;
const MAX_DEBUGGER_BACKLOG = 128 << 20;

const channel = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
const reader = new FrameReader(MAX_LOAD_FRAME_BYTES);
const scheduler = new Scheduler();
const cryptoTurns = new CryptoTurns();
const instances = new Map<number, ScriptInstance>();
let engine: ScriptEngine | undefined;
let isCorked = false;

// A terminal sends these to the whole group; the media process decides when we end.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('SIGHUP', () => {});
// A rejection that nobody handles comes here as well.
process.on('uncaughtException', (error) => leave(`the script runner broke: ${error?.stack ?? error}`));

channel.on('data', (bytes) => {
  for (const frame of reader.push(bytes)) receive(frame);
});
channel.on('drain', () => scheduler.resume());
channel.on('error', () => leave());
channel.on('close', () => leave());

setInterval(() => {
  for (const instance of instances.values()) void instance.reportUsage();
}, USAGE_MS);
setInterval(() => {
  send(encodeFrame(FrameType.Beat, 0, { rssBytes: process.memoryUsage.rss(), units: instances.size }));
}, HEARTBEAT_MS);

function receive({ type, unit, body }: Frame): void {
  switch (type) {
    case FrameType.Init: {
      const { guest, user } = decodeBody(body) as InitBody;
      if (user) dropPrivileges(user);
      engine = createEngine(guest);
      send(encodeFrame(FrameType.Hello, 0, { pid: process.pid, node: process.version }));
      return;
    }
    case FrameType.Load:
      load(unit, decodeBody(body) as LoadBody);
      return;
    case FrameType.Events:
      instances.get(unit)?.post({ ...decodeEvents(body), bytes: body.length });
      return;
    case FrameType.Taken:
      instances.get(unit)?.taken(decodeTaken(body));
      return;
    case FrameType.Attach:
      instances.get(unit)?.attach();
      return;
    case FrameType.ToScript:
      instances.get(unit)?.fromDebugger(body.toString('utf8'));
      return;
    case FrameType.Detach:
      instances.get(unit)?.detach();
      return;
    case FrameType.Tick:
      instances.get(unit)?.tick((decodeBody(body) as TickBody).untilMs);
      return;
    case FrameType.Unload:
      instances.get(unit)?.unload();
      instances.delete(unit);
      return;
    default:
      throw new Error(`a frame of type ${type}`);
  }
}

/** All that has to be read has been read by now: nobody else need be able to. */
function dropPrivileges({ uid, gid }: { uid: number; gid: number }): void {
  if (process.getuid?.() !== 0) return;
  process.setgroups!([]);
  process.setgid!(gid);
  process.setuid!(uid);
}

function load(unit: number, body: LoadBody): void {
  if (engine === undefined) throw new Error('Load before Init');
  const instance = new ScriptInstance(body, scheduler, cryptoTurns, {
    turnBegins: () => send(encodeFrame(FrameType.Turn, unit)),
    eventsTaken: (bytes) => send(encodeTaken(FrameType.EventsTaken, unit, bytes)),
    turnEnds: () => send(encodeFrame(FrameType.TurnEnd, unit)),
    loaded: (body) => send(encodeFrame(FrameType.Loaded, unit, body)),
    commands: (text) => send(encodeBytes(FrameType.Commands, unit, text)),
    failed: (failure) => {
      instances.delete(unit);
      send(encodeFrame(FrameType.Failed, unit, failure));
    },
    dead: (death) => {
      instances.delete(unit);
      send(encodeFrame(FrameType.Dead, unit, death));
    },
    recycle: (message) => send(encodeFrame(FrameType.Recycle, unit, { message })),
    toDebugger: (message) => relay(unit, message),
    usage: (usage) => send(encodeFrame(FrameType.Usage, unit, usage)),
    ticked: (nowMs) => send(encodeFrame(FrameType.Ticked, unit, { nowMs })),
  });
  instances.set(unit, instance);
  void instance.load(engine);
}

/** What a debugger asks for (a heap snapshot, say) has no limit of its own. */
function relay(unit: number, message: string): void {
  const text = Buffer.from(message);
  const isTooMuch = text.length > MAX_DEBUGGER_MESSAGE || channel.writableLength > MAX_DEBUGGER_BACKLOG;
  if (!isTooMuch) {
    send(encodeBytes(FrameType.ToDebugger, unit, text));
    return;
  }
  instances.get(unit)?.detach();
  send(encodeFrame(FrameType.Detached, unit, { message: 'the answer is too large' }));
}

/** What is said in one tick goes out at its end, in one piece. */
function send(frame: Buffer): void {
  if (!isCorked) {
    isCorked = true;
    channel.cork();
    process.nextTick(() => {
      isCorked = false;
      channel.uncork();
    });
  }
  // When the media process does not keep up, its answers would pile up here.
  if (!channel.write(frame)) scheduler.pause();
}

/** By force: an orderly exit waits for the threads of isolates, and with one of them stuck it would never come. */
function leave(message?: string): void {
  if (message !== undefined) writeSync(STDERR_FD, `${message}\n`);
  process.kill(process.pid, 'SIGKILL');
}
