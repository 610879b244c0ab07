// The files of conf/, and what each begins with.
import type { Group, Members } from '../element.ts';
import { ADAPTOR } from './adaptor.ts';
import { APPLICATION } from './application.ts';
import { LOGGER } from './logger.ts';
import { SERVER } from './server.ts';
import { USERS } from './users.ts';
import { VHOST } from './vhost.ts';
import { sayWhenSaved } from './when-saved.ts';

export interface ConfFile {
  /** Below conf/. */
  path: string;
  rootName: string;
  schema: Group<Members>;
  /** For the operator, at its top. */
  about: string;
  /** When changes count; undefined: when the server starts. */
  whenSaved?: readonly string[];
}

export const CONF_FILES: readonly ConfFile[] = [
  {
    path: 'Server.xml',
    rootName: 'Root',
    schema: SERVER,
    about: 'The whole server.',
  },
  {
    path: 'Logger.xml',
    rootName: 'Logger',
    schema: LOGGER,
    about: 'Contents, folders and rotation of the log files.',
  },
  {
    path: 'Users.xml',
    rootName: 'Root',
    schema: USERS,
    about:
      'Administrator accounts. If this file has no account, the first start creates one, shows its password once ' +
      'and stores its hash in Users.local.xml beside this file. Accounts added by command are stored there as ' +
      'well. If that file is missing, the next start creates a new account. A Users.xml beside a Vhost.xml ' +
      'defines administrators of that virtual host alone; those of an adaptor other than _defaultRoot_ log in as ' +
      'ADAPTOR/NAME.',
  },
  {
    path: '_defaultRoot_/Adaptor.xml',
    rootName: 'Adaptor',
    schema: ADAPTOR,
    about:
      'An adaptor: its ports, which clients may use them, and TLS. Each folder beside this one that contains an ' +
      'Adaptor.xml is a further adaptor.',
  },
  {
    path: '_defaultRoot_/_defaultVHost_/Vhost.xml',
    rootName: 'VirtualHost',
    schema: VHOST,
    about:
      'A virtual host: a host name with its own applications. Each folder beside this one that contains a ' +
      "Vhost.xml is a further virtual host, whose host name is the folder's name. This folder serves all other " +
      'host names.',
  },
  {
    path: '_defaultRoot_/_defaultVHost_/Application.xml',
    rootName: 'Application',
    schema: APPLICATION,
    about:
      'Defaults for all applications of this virtual host. An Application.xml in the folder of an application ' +
      'overrides them, element by element, for that application; it needs only the elements that differ. An ' +
      'element with override="no" in this file cannot be overridden, nor can the elements inside it; <Exec ' +
      'override="no"/> forbids programs. Lock Exec, Fetch, NetConnection, ScriptLibPath, Debug, Process, ' +
      'StorageDir and VirtualDirectory if users other than the operator can write to folders of applications.',
    whenSaved: sayWhenSaved(),
  },
];
