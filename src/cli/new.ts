// `understudy new NAME`
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isApplicationName } from '../application/instance/registry.ts';
import { loadConfig } from '../config/load.ts';
import { CommandError, UsageError } from './args.ts';
import { refreshAuthorFiles, TSCONFIG } from './author-files.ts';
import { program } from './call.ts';
import { here } from './here.ts';

const MAIN = `// The script of one application. The server runs it when the first client connects, and runs it anew
// whenever you save it: streams stay on air, clients stay connected.
//
// \`application\` is what your handlers are assigned to. Write "application.on" and let your editor show
// the others; ../understudy.d.ts says what each is for.

// Somebody connects. \`args\` are what the client sent along; encoders such as OBS send nothing.
application.onConnect = (client, ...args) => {
  trace(\`\${client.ip} connects with \${client.agent}\`, ...args);
  return true; // false, or { deny: 'why' }, turns the client away
};

// Somebody wants to publish the stream \`request.name\`, perhaps as name?token=…
// As it stands, everybody may. applications/auth of Understudy's samples shows stream keys and tokens.
application.onPublish = (client, stream, request) => {
  trace(\`\${client.ip} publishes \${stream.name}\`, request.params);
  // return { deny: 'not you' };
  // return { as: 'publicName', record: 'record' };
};

// Somebody wants to watch.
application.onPlay = (client, stream) => {
  trace(\`\${client.ip} plays \${stream.name}, with \${stream.players.length} others\`);
};

application.onDisconnect = (client) => {
  trace(\`\${client.ip} has left\`);
};
`;

const firstTest = (name: string, call: string) => `// What main.ts decides, tried without a server: ${call}
import { assert, test, testApp } from 'understudy/test';

test('everybody may publish, and everybody may watch', async () => {
  const app = await testApp('${name}');
  const client = await app.connect();
  assert.ok((await client.publish('show')).accepted);
  assert.ok((await client.play('show')).accepted);
});
`;

/** `call` is the command for people in the root folder. Returns what to tell the author. */
export function newApplication(root: string, name: string, call = program(resolve(root))): string {
  // It becomes part of an address and the name of a folder.
  if (!/^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9_-])?$/i.test(name) || !isApplicationName(name)) {
    const expected =
      'expected up to 64 letters, digits, "-", "_" and ".", and no name that means something else';
    throw new UsageError(`new: '${name}' cannot be the name of an application: ${expected}`);
  }
  const { applicationsDir } = loadConfig({ root, set: {} });
  const folder = join(applicationsDir, name);
  refreshAuthorFiles(applicationsDir);
  if (existsSync(folder)) throw new CommandError('ERR_CLI_EXISTS', `${here(folder)} exists already`);

  // A folder without a script is served with the defaults, to everybody; so it appears with its script in it.
  const temporary = join(applicationsDir, `.new-${process.pid}`);
  mkdirSync(temporary);
  try {
    const write = (file: string, text: string) => writeFileSync(join(temporary, file), text, { flag: 'wx' }); // others may write to the folder
    write('main.ts', MAIN);
    write('main.test.ts', firstTest(name, `${call} test ${name}`));
    write('tsconfig.json', TSCONFIG);
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
  return `${here(join(folder, 'main.ts'))} is the script of rtmp://…/${name}: edit it, save it, and it acts.`;
}
