// conf/Users.local.xml: the accounts that the server has made or was told to make, in the form of Users.xml.
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { escapeXml } from './xml.ts';

export interface StoredUser {
  name: string;
  /** As password.ts makes it. */
  hash: string;
}

const ABOUT = `<?xml version="1.0" encoding="utf-8"?>
<!-- Accounts that the server manages. It rewrites this file when an account changes; add your own accounts to Users.xml. Without
     this file, and without any account in Users.xml, the next start creates a new one. -->
`;

/** In one step, readable for its owner alone. Throws what the file system says. */
export function writeUsersFile(path: string, users: readonly StoredUser[]): void {
  const lines = users.map(
    ({ name, hash }) =>
      `    <User name="${escapeXml(name)}"><Password encrypt="true">${escapeXml(hash)}</Password></User>\n`,
  );
  const text = `${ABOUT}<Root>\n  <UserList>\n${lines.join('')}  </UserList>\n</Root>\n`;
  writePrivately(path, text);
}

/** A file that is there whole or not at all, and that nobody else of this machine can read at any time. */
export function writePrivately(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  rmSync(draft, { force: true });
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
    chmodSync(draft, 0o600);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
