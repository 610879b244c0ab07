// `understudy user add|remove NAME`: the file of those who may publish.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivately } from '../admin/users-file.ts';
import { loadConfig } from '../config/load.ts';
import { isPublisherName } from '../config/publishers.ts';
import { adobeHash, llnwHash } from '../protocol/rtmp/publisher-auth.ts';
import { CommandError, UsageError } from './args.ts';
import { here } from './here.ts';

const ABOUT = `# Users that may publish, if Application.xml requires logins (Authentication). "understudy user add NAME" writes these lines;
# lines name:plain:PASSWORD are valid as well. Anyone who can read a hash can publish with it.
`;

/** `password` is asked for once the name has been looked at. Resolves to what to tell the operator. */
export async function addUser(root: string, name: string, password: () => Promise<string>): Promise<string> {
  if (!isPublisherName(name)) {
    throw new UsageError(`user: '${name}': a name has at most 64 characters, no blanks and no colons`);
  }
  const file = usersFile(root);
  const secret = await password();
  if (secret === '')
    throw new CommandError(
      'ERR_CLI_PASSWORD',
      'no password was given: type one, or write it to standard input',
    );
  const salt = randomBytes(6).toString('base64url');
  const lines = [
    `${name}:adobe:${salt}:${adobeHash(name, salt, secret)}`,
    `${name}:llnw:${llnwHash(name, secret)}`,
  ];
  const { text, had } = without(file, name);
  writePrivately(file, `${text}${lines.join('\n')}\n`);
  return `${here(file)}: ${name} has ${had ? 'a new password' : 'been added'}.`;
}

export function removeUser(root: string, name: string): string {
  const file = usersFile(root);
  const { text, had } = without(file, name);
  if (!had) throw new CommandError('ERR_CLI_NO_USER', `${here(file)} has no user '${name}'`);
  writePrivately(file, text);
  return `${here(file)}: ${name} has been removed.`;
}

/** As Application.xml names it by default. */
function usersFile(root: string): string {
  return join(loadConfig({ root, set: {} }).root, 'conf', 'users');
}

/** The file without the lines of a user; all others stay as they are. */
function without(file: string, name: string): { text: string; had: boolean } {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : ABOUT.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const others = lines.filter((line) => !line.startsWith(`${name}:`));
  return { text: others.map((line) => `${line}\n`).join(''), had: others.length < lines.length };
}
