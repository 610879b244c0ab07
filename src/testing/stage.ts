// Where applications are tested: a folder of their own with a virtual host over it that nobody can connect to. The process
// that runs scripts is the real one; all tests of a file share it.
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, sep } from 'node:path';
import { after } from 'node:test';
import { pacedBy } from '../adaptor/link/paced-stream.ts';
import { bindError } from '../adaptor/ports/bind-error.ts';
import { isApplicationName } from '../application/instance/registry.ts';
import { LoadGovernor } from '../application/live/flush.ts';
import { FairTurns } from '../application/pace/fair-turns.ts';
import { Turns } from '../application/pace/turns.ts';
import { version } from '../cli/manifest.ts';
import { rootHere } from '../cli/root.ts';
import { systemClock } from '../clock.ts';
import { APPLICATION_FILE } from '../config/application.ts';
import type { Config } from '../config/config.ts';
import { readIfThere } from '../config/file.ts';
import { loadConfig } from '../config/load.ts';
import { SYMBOLS } from '../config/schema/symbols.ts';
import { symbolsIn } from '../config/symbols.ts';
import { LineLimit } from '../log/line-limit.ts';
import type { Log } from '../log/log.ts';
import { SecretMask } from '../log/secrets.ts';
import { ServerLogs } from '../log/server-logs.ts';
import { IndexMemory } from '../recording/read/index-memory.ts';
import { FileRecorders } from '../recording/write/recorder.ts';
import type { StandIns } from '../script/host/stand-ins.ts';
import { Inspector } from '../script/inspect/inspector.ts';
import { Runners } from '../script/process/runners.ts';
import { buildScript } from '../script/source/build.ts';
import type { BuildOutcome, BuildRequest } from '../script/source/build-outcome.ts';
import { findMainScript } from '../script/source/main-script.ts';
import { SHARED_FOLDER } from '../storage/names.ts';
import { VirtualHost, type VirtualHostOptions } from '../virtual-host.ts';
import { RunFolder } from '../wiring/run-folder.ts';
import type { HandClock } from './hand-clock.ts';
import { Said } from './said.ts';

/** What the server writes there is no part of an application as its author has it, and may be large; packages are. */
const WRITTEN = new Set(['streams', 'store', 'sharedobjects']);

/** By their paths from the application's folder. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

let runners: Promise<Runners> | undefined;

/** Started with the first test, ended after the last. */
function sharedRunners(): Promise<Runners> {
  runners ??= startRunners();
  return runners;
}

async function startRunners(): Promise<Runners> {
  const { log } = new Said();
  const started = new Runners({
    ...{ clock: systemClock, log, maxRssBytes: Number.POSITIVE_INFINITY, launcher: [], applicationShare: 1 },
    user: { uid: 65534, gid: 65534 },
  });
  await started.start();
  return started;
}

after(async () => (await runners)?.close());

/** Where the applications are: as `understudy test` says, else as it would find them from here. */
function applicationsDir(): string {
  return loadConfig({ root: process.env.UNDERSTUDY_ROOT ?? rootHere(), set: {} }).applicationsDir;
}

export class Stage {
  readonly host: VirtualHost;
  /** Of the application, a copy. */
  readonly folder: string;
  readonly #root: string;
  readonly #limits: Config['server']['builder'];
  readonly #recorders: FileRecorders;
  readonly #logs: ServerLogs;
  readonly #governor: LoadGovernor;

  private constructor(
    root: string,
    folder: string,
    config: Config,
    clock: HandClock,
    log: Log,
    shared: Runners,
    standIns: StandIns,
  ) {
    this.#root = root;
    this.#limits = config.server.builder;
    this.folder = folder;
    const software = `Understudy/${version()}`;
    const none = {
      access: undefined,
      application: undefined,
      master: undefined,
      edge: undefined,
      admin: undefined,
    };
    this.#logs = new ServerLogs({ software, lineEnd: '\n', ...none }, () => {});
    this.#governor = new LoadGovernor(clock);
    this.#recorders = new FileRecorders({
      log,
      clock,
      now: () => new Date(clock.now()),
      runFolder: RunFolder.of(root).recordings,
      flush: config.server.recording,
      finishesMp4: config.server.recording.finishesMp4,
    });
    const [adaptor] = config.adaptors;
    const [vhost] = adaptor!.vhosts;
    let lastErrorId = 0;
    const lines = new LineLimit(clock);
    const options: VirtualHostOptions = {
      ...{
        config,
        software,
        log,
        lines,
        hasRoom: () => true,
        indexes: new IndexMemory(config.server.maxIndexBytes),
        fetchTurns: new FairTurns(config.server.runners.fetches),
        logs: this.#logs,
        clock,
        governor: this.#governor,
        runners: shared,
        build: (request: BuildRequest) => buildScript(request, config.server.builder),
        standIns,
      },
      recorders: this.#recorders,
      inspector: new Inspector({
        port: 0,
        software,
        log,
        lines,
        paced: pacedBy(new Turns(systemClock)),
        bindError,
      }),
      inspected: undefined,
      mask: new SecretMask(config.logs.secretWords),
      nextErrorId: () => ++lastErrorId,
      fanOut: undefined,
      authorities: undefined,
    };
    this.host = new VirtualHost(adaptor!.name, vhost!, options, () => false);
  }

  /** What its files come to. */
  build(): Promise<BuildOutcome> {
    const request = { folder: this.folder, application: basename(this.folder), libraries: [] };
    return buildScript(request, this.#limits);
  }

  /** `files`: over those of the application, which need not be there if they are all of it. */
  static async open(
    application: string,
    files: Files,
    clock: HandClock,
    log: Log,
    standIns: StandIns,
  ): Promise<Stage> {
    if (!isApplicationName(application))
      throw new Error(`'${application}' cannot be the name of an application`);
    const source = join(applicationsDir(), application);
    if (!existsSync(source) && Object.keys(files).length === 0) {
      throw new Error(`there is no application ${relative('.', source)}`);
    }
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'understudy-test-')));
    try {
      const folder = join(root, 'applications', application);
      mkdirSync(folder, { recursive: true });
      if (existsSync(source)) copyApplication(realpathSync(source), folder);
      const shared = join(applicationsDir(), SHARED_FOLDER);
      if (existsSync(shared)) copyApplication(realpathSync(shared), join(dirname(folder), SHARED_FOLDER));
      writeFiles(folder, files);
      const config = loadConfig({ root, set: symbolsOf(folder), environment: {} });
      return new Stage(root, folder, config, clock, log, await sharedRunners(), standIns);
    } catch (error) {
      rmSync(root, { recursive: true });
      throw error;
    }
  }

  write(files: Files): void {
    writeFiles(this.folder, files);
  }

  /** The same script, and yet another version of it. */
  touch(application: string): void {
    const main = findMainScript(this.folder, application);
    if (main) appendFileSync(join(this.folder, main.path), '\n');
  }

  /** After the host has been shut down. */
  async close(): Promise<void> {
    await this.#recorders.close();
    await this.host.close();
    await this.#logs.close();
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** conf/fms.ini is the server's, secrets and all, and not there: each symbol of Application.xml stands for itself. */
function symbolsOf(folder: string): Record<string, string> {
  const text = readIfThere(join(folder, APPLICATION_FILE), APPLICATION_FILE) ?? '';
  const known = ['', 'ROOT', 'CONF', ...Object.keys(SYMBOLS)];
  const own = symbolsIn(text).filter((name) => !known.includes(name));
  return Object.fromEntries(own.map((name) => [name, `\${${name}}`]));
}

function copyApplication(from: string, to: string): void {
  cpSync(from, to, {
    recursive: true,
    filter: (path) =>
      !WRITTEN.has(relative(from, path).split(sep)[0]!) && !basename(path).endsWith('.test.ts'),
  });
}

function writeFiles(folder: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    if (relative(folder, path).startsWith('..')) throw new Error(`${name} lies outside the application`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}
