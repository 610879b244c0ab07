// `understudy check [NAME]`: what is wrong with scripts, before the server finds out.
import { join } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { BuildResult, buildScript } from '../script/build.ts';
import { applicationsIn, requireApplication, testsIn } from './applications.ts';
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
  const { applicationsDir } = loadConfig({ root, set: {} });
  const names = application === undefined ? applicationsIn(applicationsDir) : [application];
  if (application !== undefined) requireApplication(applicationsDir, application);
  if (names.length === 0) print(`there is no application in ${here(applicationsDir)}`);
  else refreshAuthorFiles(applicationsDir);

  let mistakes = 0;
  for (const name of names) {
    const faults = await findFaults(join(applicationsDir, name), name);
    for (const fault of faults ?? []) print(formatFault(fault));
    print(`${name}: ${remarkOn(faults)}`);
    mistakes += faults?.length ?? 0;
  }
  return mistakes === 0;
}

function remarkOn(faults: Fault[] | undefined): string {
  if (!faults) return 'no script, so it is served with the defaults';
  if (faults.length === 0) return 'ok';
  return faults.length === 1 ? '1 mistake' : `${faults.length} mistakes`;
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
      if (script.kind === 'module') return checkTypes(folder);
      const faults = findSyntaxFaults(script, mainScript).map((fault) => inFolder(folder, fault));
      return testsIn(folder).length > 0 ? [...faults, ...(await checkTypes(folder))] : faults;
    }
  }
}

function inFolder(folder: string, fault: Fault): Fault {
  return { ...fault, file: fault.file && join(folder, fault.file) };
}
