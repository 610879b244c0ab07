// packaging/understudy.service, the unit of a server in a folder of its own below /var/lib, for a server in another folder.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifest, PACKAGE_FOLDER } from './manifest.ts';
import { isWithin } from './root.ts';

const PROGRAM = '/opt/understudy/node_modules/.bin/understudy';
const ROOT = '/var/lib/understudy';
/** The user's own folders, which ProtectHome=yes hides from a service. */
const HOMES = ['/home', '/root', '/run/user'];

/** The text of the unit file for the root folder `root`, run by the package that is installed in it. */
export function unitFor(root: string): string {
  const shipped = readFileSync(join(PACKAGE_FOLDER, 'packaging', 'understudy.service'), 'utf8');
  const [, ...sections] = shipped.split(/^(?=\[)/m);
  const isAtHome = HOMES.some((home) => isWithin(home, root));
  const unit = sections
    .join('')
    .replace(/^Documentation=.*\n/m, '')
    .replace(/^StateDirectory=.*\nStateDirectoryMode=.*\n/m, `ReadWritePaths=${word(root)}\n`)
    .replace(/^ProtectHome=yes$/m, `ProtectHome=${isAtHome ? 'read-only' : 'yes'}`)
    .replace(/^WorkingDirectory=.*$/m, () => `WorkingDirectory=${percent(root)}`)
    .replace(PROGRAM, () => word(join(root, 'node_modules', '.bin', 'understudy')))
    .replaceAll(ROOT, () => word(root));
  return `${about(root)}\n${unit}`;
}

function about(root: string): string {
  return `# Understudy as a service of systemd, for the server in ${root}.
#
#   useradd --system --home-dir ${root} --shell /usr/sbin/nologin understudy
#   chown -R understudy: ${root}
#   cp ${join(root, 'understudy.service')} /etc/systemd/system/
#   systemctl daemon-reload && systemctl enable --now understudy
#
# The user needs a way to the folder: every folder above it has to be open to others (chmod o+x).
# The first start writes the administrator's password into the journal. It makes none where conf/Users.xml has an account.
# Installed here: npm install ./${manifest().name}-${manifest().version}.tgz
`;
}

/** systemd's specifiers begin with a percent sign. */
function percent(path: string): string {
  return path.replaceAll('%', '%%');
}

/** One word of a setting, whatever is in it. */
function word(path: string): string {
  const text = percent(path);
  return /^[\w./%@:+,-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}
