// `understudy check [NAME]`: what is wrong with scripts and their settings, before the server finds out.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type ApplicationConfig,
  type ApplicationDefaults,
  readApplicationConfig,
} from '../config/application.ts';
import type { Config } from '../config/config.ts';
import { inspectConfig } from '../config/load.ts';
import { CollectedMistakes } from '../config/mistakes.ts';
import type { ConfigError } from '../errors.ts';
import { buildScript } from '../script/source/build.ts';
import { BuildResult, decodeScript, type ScriptBuild } from '../script/source/build-outcome.ts';
import type { BuildLimits } from '../script/source/inputs.ts';
import { findMainScript, unusedMainScripts } from '../script/source/main-script.ts';
import { applicationsIn, requireCode, sharedIn, testsIn } from './applications.ts';
import { refreshAuthorFiles } from './author-files.ts';
import { findSyntaxFaults } from './check-classic.ts';
import { checkTypes } from './check-types.ts';
import { findUseFaults } from './check-uses.ts';
import { type Fault, formatFault } from './fault.ts';
import { here } from './here.ts';

/** Prints one line for each mistake, one for conf/ and one for each application. True if there was no mistake. */
export async function check(
  root: string,
  application: string | undefined,
  print: (line: string) => void,
): Promise<boolean> {
  const { config, mistakes: inConf } = inspectConfig({ root, set: {} });
  const confFaults = inConf.map((mistake) => faultOf(mistake, resolve(root)));
  const confWarnings = (config?.notes ?? []).filter(({ level }) => level === 'warn').map(({ text }) => text);
  const confDir = config?.confDir ?? join(root, 'conf');
  const report = new Report(print);
  if (existsSync(confDir) || confFaults.length > 0) report.tell(here(confDir), confWarnings, confFaults);
  if (!config) return false;

  const hosts = hostsOf(config);
  const found = hosts.flatMap((host) => codeOf(host));
  const wanted = found.filter(({ name }) => application === undefined || name === application);
  if (application !== undefined && wanted.length === 0) requireCode(config.applicationsDir, application);
  if (found.length === 0) print(`there is no application in ${here(config.applicationsDir)}`);
  for (const { defaults } of found.length > 0 ? hosts : []) refreshAuthorFiles(defaults.appsDir);
  for (const { host, name, isShared } of wanted) {
    const { defaults, label } = host;
    if (isShared) report.tell(`${label}${name}`, [], await checkTypes(join(defaults.appsDir, name)));
    else {
      const { builder } = config.server;
      await checkApplication(defaults, name, builder, (...found) => report.tell(`${label}${name}`, ...found));
    }
  }
  return report.mistakes === 0;
}

/** What applications share first. */
function codeOf(host: CheckedHost): { host: CheckedHost; name: string; isShared: boolean }[] {
  const { appsDir } = host.defaults;
  const shared = sharedIn(appsDir);
  const own = applicationsIn(appsDir).filter((name) => !shared.includes(name));
  return [...shared, ...own].map((name) => ({ host, name, isShared: shared.includes(name) }));
}

interface CheckedHost {
  defaults: ApplicationDefaults;
  /** In front of the names of its applications; empty for the default one. */
  label: string;
}

/** Virtual hosts with a folder of applications of their own. */
function hostsOf({ adaptors }: Config): CheckedHost[] {
  const all = adaptors.flatMap(({ name: adaptor, vhosts }) =>
    vhosts.map(({ name, defaults }) => ({ defaults, label: `${adaptor}/${name}: ` })),
  );
  const first = all.map(({ defaults }) => defaults.appsDir);
  return all
    .filter(({ defaults }, i) => first.indexOf(defaults.appsDir) === i)
    .filter(({ defaults }, i) => i === 0 || existsSync(defaults.appsDir))
    .map((host, i) => (i === 0 ? { ...host, label: '' } : host));
}

class Report {
  mistakes = 0;
  readonly #print: (line: string) => void;
  /** Mistakes in shared code are found by everybody who uses it, and are printed once. */
  readonly #printed = new Set<string>();

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  tell(what: string, warnings: readonly string[], faults: Fault[] | undefined): void {
    for (const warning of warnings) this.#print(`warning: ${warning}`);
    for (const line of (faults ?? []).map(formatFault)) {
      if (!this.#printed.has(line)) this.#print(line);
      this.#printed.add(line);
    }
    this.#print(`${what}: ${remarkOn(faults)}`);
    this.mistakes += faults?.length ?? 0;
  }
}

async function checkApplication(
  defaults: ApplicationDefaults,
  name: string,
  limits: BuildLimits,
  say: (warnings: readonly string[], faults: Fault[] | undefined) => void,
): Promise<void> {
  const { warnings, mistakes, config } = await checkSettings(defaults, name);
  const folder = join(defaults.appsDir, name);
  const main = findMainScript(folder, name);
  for (const unused of main ? unusedMainScripts(folder, name, main) : []) {
    warnings.push(`${here(join(folder, unused))} is not used: the script is ${main!.path}`);
  }
  const inScript = await findFaults(folder, name, limits, config);
  const faults = mistakes.length > 0 ? [...mistakes, ...(inScript ?? [])] : inScript;
  say(warnings, faults);
}

function remarkOn(faults: Fault[] | undefined): string {
  if (!faults) return 'no script: the defaults apply';
  if (faults.length === 0) return 'ok';
  return faults.length === 1 ? '1 mistake' : `${faults.length} mistakes`;
}

interface CheckedSettings {
  warnings: string[];
  mistakes: Fault[];
  /** Undefined: they have mistakes. */
  config: ApplicationConfig | undefined;
}

/** Of its Application.xml and .env, as its virtual host reads them. */
async function checkSettings(defaults: ApplicationDefaults, name: string): Promise<CheckedSettings> {
  const mistakes = new CollectedMistakes();
  const config = await mistakes.attemptLater<ApplicationConfig | undefined>(
    () => readApplicationConfig(defaults, name, mistakes),
    () => undefined,
  );
  const warnings = (config?.notes ?? []).filter(({ level }) => level === 'warn').map(({ text }) => text);
  const faults = mistakes.all.map((mistake) => faultOf(mistake, defaults.root));
  return { warnings, mistakes: faults, config: faults.length === 0 ? config : undefined };
}

function faultOf({ place, what }: ConfigError, root: string): Fault {
  return { ...(place && { file: resolve(root, place.file), line: place.line }), message: what };
}

/** Undefined: there is no script to have any. */
async function findFaults(
  folder: string,
  name: string,
  limits: BuildLimits,
  config: ApplicationConfig | undefined,
): Promise<Fault[] | undefined> {
  const libraries = config?.libraries ?? [];
  const outcome = await buildScript({ folder, application: name, libraries }, limits);
  switch (outcome.result) {
    case BuildResult.NoFolder:
    case BuildResult.NoScript:
      return undefined;
    case BuildResult.Broken:
      return outcome.faults.map((fault) => inFolder(folder, fault));
    case BuildResult.Built: {
      const { mainScript } = outcome.build;
      const script = decodeScript(outcome.build);
      const uses = findUseFaults(folder, outcome.build, config);
      if (script.kind === 'module') {
        return [...forgottenHandlers(outcome.build, folder), ...merged(await checkTypes(folder), uses)];
      }
      const faults = findSyntaxFaults(script, mainScript).map((fault) => inFolder(folder, fault));
      const inTests = testsIn(folder).length > 0 ? await checkTypes(folder) : [];
      return [...faults, ...uses, ...inTests];
    }
  }
}

/** What the compiler does not know either is one mistake, with what to use instead behind its words. */
function merged(types: readonly Fault[], uses: readonly Fault[]): Fault[] {
  const isSame = (a: Fault, b: Fault) => a.file === b.file && a.line === b.line;
  const isAbsence = ({ message }: Fault) => message.includes(' is not there: ');
  const nameOf = ({ message }: Fault) => /[\w$]+(?=(?:\(\))? is not there: )/.exec(message)?.[0] ?? '';
  const toldBy = (use: Fault) =>
    types.find((type) => isAbsence(use) && isSame(type, use) && type.message.includes(`'${nameOf(use)}'`));
  const left = uses.filter((use) => toldBy(use) === undefined);
  const explained = types.map((type) => {
    const use = uses.find((one) => toldBy(one) === type);
    return use ? { ...type, message: `${type.message} ${use.message}` } : type;
  });
  return [...explained, ...left];
}

/** Exported, and nowhere given to the application: they look like handlers to everybody but the server. */
function forgottenHandlers(build: ScriptBuild, folder: string): Fault[] {
  const { exported = [], code } = decodeScript(build);
  const file = join(folder, build.mainScript);
  return exported
    .filter((name) => !code.includes(`application.${name}`) && !code.includes('Object.assign(application'))
    .map((name) => ({
      file,
      message: `the server never calls the export ${name}: write application.${name} = ${name}`,
    }));
}

function inFolder(folder: string, fault: Fault): Fault {
  return { ...fault, file: fault.file && join(folder, fault.file) };
}
