// application.exec: commands that the operator has named, started for scripts. Never a shell; what a script adds goes into
// holes of single arguments, each of which takes words unless it says what else (config/exec-argument.ts).
// Jobs belong to the instance: they go on while versions of its script come and go.
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { grantOf, isHole, partsOf } from '../../config/exec-argument.ts';
import type { ConfigPlace } from '../../errors.ts';
import { canonicalStreamName } from '../../protocol/rtmp/stream-prefix.ts';
import { startProcess } from '../child/start-process.ts';
import type { Json } from '../wire/wire.ts';
import { filled, ValueRefused, type ValueRules } from './exec-values.ts';
import { ProgramStarts } from './program-starts.ts';
import { type AskContext, type Service, ServiceError } from './services.ts';

export interface ExecCommand {
  readonly name: string;
  readonly program: string;
  /** See config/exec-argument.ts. */
  readonly args: readonly string[];
  /** Undefined: as long as its instance. */
  readonly timeoutMs: number | undefined;
  /** Of one instance at a time. */
  readonly maxRunning: number;
  /** Of the grant. */
  readonly place?: ConfigPlace | undefined;
}

export interface ExecServiceOptions {
  applicationsDir: string;
  commandsFor(application: string): readonly ExecCommand[];
  /** For what is put into holes. */
  rulesFor(application: string): ValueRules;
  log(application: string, instance: string, level: 'info' | 'warn', text: string): void;
  /** Of one application at a time, in all its instances. */
  maxPrograms: number;
  /** A program was not started: the application has `maxPrograms` of them. */
  onNoRoom(application: string): void;
  /** False: the process has no descriptor for a program, and the line that says so is written. */
  hasRoom(application: string): boolean;
  /** In place of processes. */
  standIn?: ((command: string, args: readonly string[]) => Promise<JobEnd>) | undefined;
}

const STDERR_TAIL_BYTES = 8 << 10;
const STDERR_SLICE_BYTES = 64 << 10;
/** Pause behind each slice that a program writes to its stderr. It waits meanwhile; ffmpeg writes some kB a second. */
const STDERR_PAUSE_MS = 50;
/** Jobs of an instance that have ended and that somebody may still ask about. */
const MAX_ENDED_JOBS = 100;
/** Between being asked to end and being made to. */
const PATIENCE_MS = 5000;

interface Job {
  readonly id: number;
  readonly command: string;
  readonly until: string | undefined;
  readonly end: Promise<JobEnd>;
  readonly hasEnded: boolean;
  kill(): void;
}
export type JobEnd = { code: number | null; signal: string | null; stderr: string };

export class ExecService implements Service {
  /** A version that may still be refused starts nothing. */
  readonly waitsUntilServing = true as const;
  readonly #options: ExecServiceOptions;
  /** `live/_definst_` → its jobs, the last of those that have ended among them. */
  readonly #jobs = new Map<string, Set<Job>>();
  /** Of instances that are no more. */
  readonly #ending = new Set<Iterable<Job>>();
  /** Values of so many are being looked at: instance and command → number. */
  readonly #starting = new Map<string, number>();
  readonly #starts: ProgramStarts;
  #isClosed = false;
  #lastId = 0;

  constructor(options: ExecServiceOptions) {
    this.#options = options;
    this.#starts = new ProgramStarts({
      maxPrograms: options.maxPrograms,
      after: (ms, call) => void setTimeout(call, ms),
    });
  }

  /**
   * `{ run, values, until? }` → `{ job }` · `{ wait: job }` → `{ code, signal, stderr }` · `{ kill: job }` → null ·
   * `{ list: true }` → `[{ job, name }…]`
   */
  async ask(asked: Json, context: AskContext): Promise<Json> {
    if (typeof asked !== 'object' || asked === null || Array.isArray(asked)) throw refused('no request');
    const jobs = this.#jobs.get(`${context.application}/${context.instance}`) ?? new Set<Job>();
    if ('run' in asked) return { job: await this.#run(asked, context) };
    if ('list' in asked)
      return [...jobs].filter(isRunning).map(({ id, command }) => ({ job: id, name: command }));
    const job = [...jobs].find(({ id }) => id === asked.wait || id === asked.kill);
    if (!job) throw refused('that job ended long ago');
    if ('wait' in asked) return job.end;
    job.kill();
    return null;
  }

  async #run(
    { run, values, until }: { [name: string]: Json },
    { application, instance, signal }: AskContext,
  ): Promise<number> {
    const commands = this.#options.commandsFor(application);
    const command = commands.find(({ name }) => name === run);
    if (!command) {
      const known = commands.map(({ name }) => name).join(', ') || 'none';
      throw refused(`no command ${JSON.stringify(run)} (there are: ${known}): see <Exec> in Application.xml`);
    }
    requireHoles(command, values);
    const key = `${application}/${instance}`;
    const release = this.#reserve(key, command);
    const leave = this.#starts.enter(application);
    let job: Job;
    let jobs: Set<Job>;
    try {
      if (!leave) throw this.#tooMany(application);
      const args = await this.#fill(command, values, application);
      const stream = typeof until === 'string' ? canonicalStreamName(until) : undefined;
      job = await this.#startInTurn(command, args, stream, { application, instance, signal });
      jobs = this.#jobs.get(key) ?? new Set<Job>();
      this.#jobs.set(key, jobs.add(job));
    } catch (error) {
      leave?.();
      throw error;
    } finally {
      release();
    }
    void job.end.then(leave);
    void job.end.then(() => {
      const ended = [...jobs].filter((one) => one.hasEnded);
      for (const one of ended.slice(0, -MAX_ENDED_JOBS)) jobs.delete(one);
    });
    return job.id;
  }

  #tooMany(application: string): ServiceError {
    const { maxPrograms, onNoRoom } = this.#options;
    onNoRoom(application);
    const what = `exec: ${maxPrograms} programs of the application are running already`;
    return new ServiceError('QuotaExceededError', what);
  }

  async #startInTurn(
    command: ExecCommand,
    args: string[],
    until: string | undefined,
    { application, instance, signal }: Pick<AskContext, 'application' | 'instance' | 'signal'>,
  ): Promise<Job> {
    await this.#starts.turn(application);
    const sinceMs = performance.now();
    try {
      if (signal.aborted || this.#isClosed)
        throw new ServiceError('AbortError', 'exec: the instance has ended');
      return this.#start(command, args, until, application, instance);
    } finally {
      this.#starts.started(performance.now() - sinceMs);
    }
  }

  /** A job has its place among those that run from before its values are looked at. Returns what gives that back. */
  #reserve(key: string, { name, maxRunning }: ExecCommand): () => void {
    const jobs = [...(this.#jobs.get(key) ?? [])];
    const running = jobs.filter((job) => isRunning(job) && job.command === name).length;
    const slot = `${key} ${name}`;
    const starting = this.#starting.get(slot) ?? 0;
    if (running + starting >= maxRunning) {
      const all = running + starting;
      throw new ServiceError('QuotaExceededError', `exec: ${all} jobs of ${name} are running already`);
    }
    this.#starting.set(slot, starting + 1);
    return () => {
      const left = this.#starting.get(slot)! - 1;
      if (left > 0) this.#starting.set(slot, left);
      else this.#starting.delete(slot);
    };
  }

  async #fill(command: ExecCommand, values: Json | undefined, application: string) {
    try {
      const rules = this.#options.rulesFor(application);
      return await filled(command.args, values, rules, grantOf(command));
    } catch (error) {
      throw error instanceof ValueRefused ? refused(error.message) : error;
    }
  }

  #start(
    { name, program, timeoutMs }: ExecCommand,
    args: string[],
    until: string | undefined,
    application: string,
    instance: string,
  ): Job {
    this.#lastId += 1;
    const id = this.#lastId;
    const { standIn } = this.#options;
    if (standIn) return pretendedJob(id, name, until, standIn(name, args));
    if (!this.#options.hasRoom(application)) throw refused('too many files and sockets are open');
    const say = (level: 'info' | 'warn', text: string) =>
      this.#options.log(application, instance, level, text);
    // A process group of its own: what it starts ends with it.
    const child = startProcess(program, args, {
      cwd: join(this.#options.applicationsDir, application),
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8' },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    const stderr = tailOf(child);
    const { promise, resolve } = Promise.withResolvers<JobEnd>();
    let failure: string | undefined;
    let force: NodeJS.Timeout | undefined;
    let hasEnded = false;
    const kill = () => {
      if (force || hasEnded) return;
      signal(child, 'SIGTERM');
      force = setTimeout(() => signal(child, 'SIGKILL'), PATIENCE_MS);
    };
    const deadline = timeoutMs === undefined ? undefined : setTimeout(kill, timeoutMs);
    child.on('error', (error) => {
      failure = `exec ${name}: ${error.message}`;
    });
    child.on('close', (code, by) => {
      hasEnded = true;
      clearTimeout(deadline);
      clearTimeout(force);
      const text = failure ?? stderr();
      if (failure !== undefined) say('warn', failure);
      else if (by !== null) say('info', `exec ${name} (job ${id}) ended by ${by}`);
      else if (code !== 0) say('warn', `exec ${name} (job ${id}) ended with ${code}: ${lastLineOf(text)}`);
      else say('info', `exec ${name} (job ${id}) is through`);
      resolve({ code: failure === undefined ? code : null, signal: by, stderr: text });
    });
    if (child.pid !== undefined) say('info', `exec ${name} (job ${id}) is process ${child.pid}`);
    return {
      id,
      command: name,
      until,
      end: promise,
      get hasEnded() {
        return hasEnded;
      },
      kill,
    };
  }

  /** A stream is not published any more: what was to last as long ends. */
  streamEnded(application: string, instance: string, stream: string): void {
    for (const job of this.#jobs.get(`${application}/${instance}`) ?? [])
      if (job.until === stream) job.kill();
  }

  async instanceEnded(application: string, instance: string): Promise<void> {
    const key = `${application}/${instance}`;
    const jobs = this.#jobs.get(key) ?? [];
    this.#jobs.delete(key);
    this.#ending.add(jobs);
    await endAll(jobs);
    this.#ending.delete(jobs);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#jobs.values(), ...this.#ending].map(endAll));
  }
}

function pretendedJob(id: number, command: string, until: string | undefined, end: Promise<JobEnd>): Job {
  const killed = Promise.withResolvers<JobEnd>();
  let hasEnded = false;
  const either = Promise.race([end, killed.promise]).then((how) => {
    hasEnded = true;
    return how;
  });
  return {
    ...{ id, command, until, end: either },
    get hasEnded() {
      return hasEnded;
    },
    kill: () => killed.resolve({ code: null, signal: 'SIGTERM', stderr: '' }),
  };
}

async function endAll(jobs: Iterable<Job>): Promise<void> {
  const all = [...jobs];
  for (const job of all) job.kill();
  await Promise.all(all.map(({ end }) => end));
}

function isRunning({ hasEnded }: Job): boolean {
  return !hasEnded;
}

/** A misspelt name is told, whatever else is missing for it. */
function requireHoles({ name, args }: ExecCommand, values: Json | undefined): void {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return;
  const holes = new Set(
    args.flatMap((text) =>
      partsOf(text)
        .filter(isHole)
        .map((hole) => hole.name),
    ),
  );
  const unknown = Object.keys(values).find((value) => !holes.has(value));
  if (unknown === undefined) return;
  const known = [...holes].map((hole) => `{${hole}}`).join(', ') || 'none';
  throw refused(`${name} has no {${unknown.slice(0, 80)}} in its arguments (there are: ${known})`);
}

function tailOf(child: ChildProcess): () => string {
  let chunks: Buffer[] = [];
  let length = 0;
  let unpaused = 0;
  child.stderr?.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    unpaused += chunk.length;
    if (unpaused >= STDERR_SLICE_BYTES) {
      unpaused = 0;
      child.stderr?.pause();
      setTimeout(() => child.stderr?.resume(), STDERR_PAUSE_MS);
    }
    if (length <= 2 * STDERR_TAIL_BYTES) return;
    chunks = [Buffer.concat(chunks).subarray(-STDERR_TAIL_BYTES)];
    length = STDERR_TAIL_BYTES;
  });
  return () => Buffer.concat(chunks).subarray(-STDERR_TAIL_BYTES).toString('utf8');
}

function lastLineOf(text: string): string {
  return (
    text
      .trimEnd()
      .split(/[\r\n]/)
      .at(-1)
      ?.slice(0, 300) ?? ''
  );
}

function signal({ pid }: ChildProcess, name: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // it has ended meanwhile
  }
}

function refused(what: string): ServiceError {
  return new ServiceError('TypeError', `exec: ${what}`);
}
