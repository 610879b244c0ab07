// `understudy check [NAME]`: what is wrong with scripts and their settings, before the server finds out.
import { join, resolve } from 'node:path';
import { type ApplicationDefaults, readApplicationConfig } from '../config/application.ts';
import { loadConfig } from '../config/load.ts';
import { ConfigError } from '../errors.ts';
import { BuildResult, buildScript, type ScriptBuild } from '../script/build.ts';
import { findMainScript, unusedMainScripts } from '../script/main-script.ts';
import { applicationsIn, requireCode, sharedIn, testsIn } from './applications.ts';
import { refreshAuthorFiles } from './author-files.ts';
import { findSyntaxFaults } from './check-classic.ts';
import { checkTypes } from './check-types.ts';
import { type Fault, formatFault } from './fault.ts';
import { here } from './here.ts';

/** Prints one line for each mistake and one for each application. True if there was no mistake. */
export async function check(
  root: string,
  application: string | undefined,
  print: (line: string) => void,
): Promise<boolean> {
  const { applicationsDir, adaptors } = loadConfig({ root, set: {} });
  const { defaults } = adaptors[0]!.vhosts[0]!;
  if (application !== undefined) requireCode(applicationsDir, application);
  const shared = sharedIn(applicationsDir);
  const isShared = application !== undefined && shared.includes(application);
  const everything = application === undefined ? applicationsIn(applicationsDir) : [application];
  const names = everything.filter((name) => !shared.includes(name));
  if (names.length === 0 && shared.length === 0) print(`there is no application in ${here(applicationsDir)}`);
  else refreshAuthorFiles(applicationsDir);

  let mistakes = 0;
  const printed = new Set<string>();
  /** Those in shared code are found by everybody who uses it. */
  const tell = (faults: Fault[], name: string) => {
    for (const line of faults.map(formatFault)) {
      if (!printed.has(line)) print(line);
      printed.add(line);
    }
    print(`${name}: ${remarkOn(faults)}`);
    mistakes += faults.length;
  };
  for (const name of application === undefined || isShared ? shared : [])
    tell(await checkTypes(join(applicationsDir, name)), name);
  for (const name of names) {
    const { warnings, mistake } = checkSettings(defaults, name);
    const folder = join(applicationsDir, name);
    const main = findMainScript(folder, name);
    for (const unused of main ? unusedMainScripts(folder, name, main) : []) {
      warnings.push(`${here(join(folder, unused))} is not used: the script is ${main!.path}`);
    }
    for (const warning of warnings) print(`warning: ${warning}`);
    const inScript = await findFaults(folder, name);
    const faults = mistake ? [mistake, ...(inScript ?? [])] : inScript;
    if (faults) tell(faults, name);
    else print(`${name}: no script, so it is served with the defaults`);
  }
  return mistakes === 0;
}

function remarkOn(faults: Fault[]): string {
  if (faults.length === 0) return 'ok';
  return faults.length === 1 ? '1 mistake' : `${faults.length} mistakes`;
}

/** Of its Application.xml, as the default virtual host reads it. */
function checkSettings(defaults: ApplicationDefaults, name: string): { warnings: string[]; mistake?: Fault } {
  try {
    const { notes } = readApplicationConfig(defaults, name);
    return { warnings: notes.filter(({ level }) => level === 'warn').map(({ text }) => text) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { place, what } = error;
    const at = place && { file: resolve(defaults.root, place.file), line: place.line };
    return { warnings: [], mistake: { ...at, message: what } };
  }
}

/** Undefined: there is no script to have any. */
async function findFaults(folder: string, name: string): Promise<Fault[] | undefined> {
  const outcome = await buildScript(folder, name);
  switch (outcome.result) {
    case BuildResult.NoFolder:
    case BuildResult.NoScript:
      return undefined;
    case BuildResult.Broken:
      return outcome.faults.map((fault) => inFolder(folder, fault));
    case BuildResult.Built: {
      const { script, mainScript } = outcome.build;
      if (script.kind === 'module') {
        return [...forgottenHandlers(outcome.build, folder), ...(await checkTypes(folder))];
      }
      const faults = findSyntaxFaults(script, mainScript).map((fault) => inFolder(folder, fault));
      return testsIn(folder).length > 0 ? [...faults, ...(await checkTypes(folder))] : faults;
    }
  }
}

/** Exported, and nowhere given to the application: they look like handlers to everybody but the server. */
function forgottenHandlers({ script, mainScript }: ScriptBuild, folder: string): Fault[] {
  const { exported = [], code } = script;
  const file = join(folder, mainScript);
  return exported
    .filter((name) => !code.includes(`application.${name}`) && !code.includes('Object.assign(application'))
    .map((name) => ({
      file,
      message: `the export ${name} is called by nobody: write application.${name} = ${name}`,
    }));
}

function inFolder(folder: string, fault: Fault): Fault {
  return { ...fault, file: fault.file && join(folder, fault.file) };
}
