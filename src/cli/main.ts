// From the command line to what it asks for.
import { ConfigError } from '../errors.ts';
import { CommandError, parseCommand, type StartOptions, UsageError } from './args.ts';
import { program } from './call.ts';
import { makeCertificate } from './cert.ts';
import { check } from './check.ts';
import type { Colours } from './colours.ts';
import { errors } from './errors.ts';
import { helpText } from './help.ts';
import { userFolder } from './here.ts';
import { initRoot } from './init.ts';
import { version } from './manifest.ts';
import { newApplication } from './new.ts';
import { disconnect, reload, stop } from './running.ts';
import { status } from './status.ts';
import { useStore } from './store.ts';
import { testApplications } from './test.ts';
import { addUser, removeUser } from './user.ts';

export interface Surroundings {
  /** Runs the server; resolves to its exit code when it has ended. */
  start(options: StartOptions): Promise<number>;
  print(line: string): void;
  /** Of what is printed. */
  colours: Colours;
  /** Typed at a terminal, twice and without an echo, else one line of standard input; empty when there is none. */
  readPassword(): Promise<string>;
  printError(line: string): void;
}

/** `args` without Node and the program's name. Resolves to the exit code: 0 well, 1 failed, 2 not understood. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    return await dispatch(args, surroundings);
  } catch (error) {
    if (error instanceof UsageError) {
      surroundings.printError(`understudy: ${error.message}\nTry '${program(userFolder())} --help'.`);
      return 2;
    }
    if (error instanceof CommandError || error instanceof ConfigError) {
      surroundings.printError(`understudy: ${error.message}`);
      return 1;
    }
    throw error;
  }
}

async function dispatch(
  args: readonly string[],
  { start, print, colours, readPassword }: Surroundings,
): Promise<number> {
  const command = parseCommand(args);
  switch (command.command) {
    case 'start':
      return start({ root: command.root, set: command.set, inspect: command.inspect });
    case 'init':
      print(initRoot(command.folder));
      return 0;
    case 'new':
      print(newApplication(command.root, command.application));
      return 0;
    case 'check':
      return (await check(command.root, command.application, print)) ? 0 : 1;
    case 'test':
      return testApplications(command, print);
    case 'cert':
      print(makeCertificate(command.root, command.names));
      return 0;
    case 'user': {
      const { root, action, user } = command;
      print(action === 'add' ? await addUser(root, user, readPassword) : removeUser(root, user));
      return 0;
    }
    case 'store':
      await useStore(command.root, command.application, command.asked, print);
      return 0;
    case 'status':
      await status(command.root, command.json, { print, colours });
      return 0;
    case 'errors':
      await errors(command.root, command.application, command.follow, print);
      return 0;
    case 'reload':
      print(await reload(command.root, command.instance));
      return 0;
    case 'disconnect':
      print(await disconnect(command.root, command.client));
      return 0;
    case 'stop':
      print(await stop(command.root));
      return 0;
    case 'help':
      print(helpText(command.about).trimEnd());
      return 0;
    case 'version':
      print(version());
      return 0;
  }
}
