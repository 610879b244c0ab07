// `understudy new NAME`
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isApplicationName } from '../application/instance/registry.ts';
import { loadConfig } from '../config/load.ts';
import { CommandError, UsageError } from './args.ts';
import { refreshAuthorFiles, TSCONFIG } from './author-files.ts';
import { program } from './call.ts';
import { here } from './here.ts';

const MAIN = `// The script of one application. The server starts it when the first client connects, and restarts it
// when you save it: live streams go on, clients stay connected.
//
// Assign your handlers to \`application\`. Write "application.on" and your editor shows the others;
// ../understudy.d.ts documents each of them.

// A client connects. \`args\` are the arguments of its connect call; encoders such as OBS send none.
application.onConnect = (client, ...args) => {
  trace(\`\${client.ip} connects with \${client.agent}\`, ...args);
  return true; // false, or { deny: 'why' }, turns the client away
};

// A client wants to publish the stream \`request.name\`, perhaps as name?token=…
// This handler accepts all clients. The sample applications/auth of Understudy shows stream keys and tokens.
application.onPublish = (client, stream, request) => {
  trace(\`\${client.ip} publishes \${stream.name}\`, request.params);
  // return { deny: 'not you' };
  // return { as: 'publicName', record: 'record' };
};

// A client wants to play a stream.
application.onPlay = (client, stream) => {
  trace(\`\${client.ip} plays \${stream.name}, with \${stream.players.length} others\`);
};

application.onDisconnect = (client) => {
  trace(\`\${client.ip} has left\`);
};
`;

const firstTest = (name: string, call: string) => `// Tests of main.ts, which need no server: ${call}
import { assert, test, testApp } from 'understudy/test';

test('every client may publish and play', async () => {
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
    const expected = 'expected up to 64 letters, digits, "-", "_" and ".", and not a reserved name';
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
  return `${here(join(folder, 'main.ts'))} is the script of rtmp://…/${name}. Changes take effect when you save it.`;
}
