// `understudy store APP get|set|delete|list|export`: application.store, whether or not the server runs. SQLite sees to it that both
// may use the file.
import { chownSync, existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { visible } from '../log/visible.ts';
import type { StoreAnswer, StoreRequest } from '../storage/key-values.ts';
import { STORE_FILE, StoreFailure, Stores } from '../storage/stores.ts';
import { requireApplication } from './applications.ts';
import { CommandError, type StoreAction } from './args.ts';
import { here } from './here.ts';

export async function useStore(
  root: string,
  application: string,
  asked: StoreAction,
  print: (line: string) => void,
): Promise<void> {
  const { applicationsDir } = loadConfig({ root, set: {} });
  requireApplication(applicationsDir, application);
  const folder = join(applicationsDir, application);
  if (asked.action !== 'set' && !existsSync(join(folder, STORE_FILE))) {
    throw new CommandError(
      'ERR_CLI_STORE',
      `${application} has no store: its script has written nothing to application.store`,
    );
  }
  const stores = new Stores((error) => {
    throw error;
  });
  try {
    await perform(stores, folder, asked, print);
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    throw new CommandError('ERR_CLI_STORE', `store ${asked.action}: ${error.message}`, { cause: error });
  } finally {
    await stores.close();
  }
}

async function perform(
  stores: Stores,
  folder: string,
  asked: StoreAction,
  print: (line: string) => void,
): Promise<void> {
  const ask = (request: StoreRequest): Promise<StoreAnswer> => stores.ask(folder, undefined, request);
  switch (asked.action) {
    case 'get': {
      const value = await ask({ op: 'get', key: asked.key });
      if (value === null)
        throw new CommandError('ERR_CLI_STORE', `there is nothing under ${JSON.stringify(asked.key)}`);
      print(String(value));
      return;
    }
    case 'set':
      await ask({ op: 'set', key: asked.key, value: compact(asked.value) });
      giveToOwner(folder);
      return;
    case 'delete':
      if ((await ask({ op: 'delete', key: asked.key })) !== true) {
        throw new CommandError('ERR_CLI_STORE', `there is nothing under ${JSON.stringify(asked.key)}`);
      }
      return;
    case 'list':
      for (const key of (await ask({ op: 'keys', prefix: asked.prefix })) as string[]) print(visible(key));
      return;
    case 'export': {
      const file = resolve(asked.file);
      if (existsSync(file)) throw new CommandError('ERR_CLI_EXISTS', `${here(file)} exists already`);
      await stores.copy(folder, file);
      print(
        `${here(file)}: a copy of the store, readable for you alone. To go back to it: stop the server, put it in the place of`,
      );
      print(`${here(join(folder, STORE_FILE))}, delete what is beside that file, and start the server.`);
    }
  }
}

/** As scripts write it. */
function compact(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    const example = 'a text is \'"text"\', with both kinds of quotes';
    throw new CommandError(
      'ERR_CLI_STORE',
      `${text.slice(0, 100)} is not JSON (${(error as Error).message}): ${example}`,
    );
  }
}

/** A store that root has made would be closed to the server: it belongs to whom the application's folder belongs. */
function giveToOwner(folder: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  const file = join(folder, STORE_FILE);
  for (const path of [dirname(file), file, `${file}-wal`, `${file}-shm`]) {
    if (existsSync(path)) chownSync(path, uid, gid);
  }
}
