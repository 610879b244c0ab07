// The user that Process of Server.xml names, once the ports are open: which files and folders it needs.
import type { Config } from '../config/config.ts';
import type { Log } from '../log/log.ts';
import type { ServerLogs } from '../log/server-logs.ts';
import { become, type ServerUser } from './privileges.ts';
import type { RunFolder } from './run-folder.ts';

export async function giveUpRoot(
  user: ServerUser,
  at: {
    config: Config;
    /** What the server writes to in applications. */
    ownFolders: readonly string[];
    runFolder: RunFolder;
    logs: ServerLogs;
    log: Log;
  },
): Promise<void> {
  const { config, ownFolders, runFolder, logs, log } = at;
  await logs.close(); // what root has open stays open: the next line opens it as the user
  const { access, application, master, edge, admin } = config.logs;
  const logFiles = [access?.file, application, master, edge, admin].flatMap((file) => file ?? []);
  const certificates = config.adaptors.flatMap(({ tls, vhosts }) => [
    tls.certificate,
    ...vhosts.map(({ certificate }) => certificate),
  ]);
  const unreadable = become(user, {
    folders: [...logFiles.map(({ directory }) => directory), runFolder.path, ...ownFolders],
    files: [config.server.admin.localUsersFile],
    read: certificates.flatMap((one) => [one?.certificateFile, one?.keyFile]).flatMap((path) => path ?? []),
  });
  for (const path of unreadable) {
    const text = `the user ${user.uid} cannot read ${path}: the server will not load the renewed file`;
    log.warn({ event: 'certificate', path }, text);
  }
  log.info({ event: 'process', ...user }, `the server is now the user ${user.uid}, group ${user.gid}`);
}
