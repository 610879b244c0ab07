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
    about: 'What is logged where.',
  },
  {
    path: 'Users.xml',
    rootName: 'Root',
    schema: USERS,
    about:
      'Who administers the server. As long as there is no account here, the first start makes one, says its password once ' +
      'and keeps its hash in Users.local.xml beside this file; so is every account kept that is added by command. Without ' +
      'that file, the next start makes another one. A file of this name and form beside a Vhost.xml names administrators of that ' +
      'virtual host alone; of an adaptor other than _defaultRoot_ they log in as ADAPTOR/NAME.',
  },
  {
    path: '_defaultRoot_/Adaptor.xml',
    rootName: 'Adaptor',
    schema: ADAPTOR,
    about:
      'An adaptor: ports, who may use them, and how they are encrypted. Every folder beside this one that holds an ' +
      'Adaptor.xml is one more.',
  },
  {
    path: '_defaultRoot_/_defaultVHost_/Vhost.xml',
    rootName: 'VirtualHost',
    schema: VHOST,
    about:
      'A virtual host: a host name with applications of its own. Every folder beside this one that holds a Vhost.xml is one ' +
      'more, for the host that the folder is called like; this one is for all other names.',
  },
  {
    path: '_defaultRoot_/_defaultVHost_/Application.xml',
    rootName: 'Application',
    schema: APPLICATION,
    about:
      'What the applications of this virtual host have in common. A file of the same name and form in the folder of an ' +
      'application beats it, element by element, for that application: it need hold no more than what differs. An element ' +
      'that has override="no" here cannot be changed there, nor can what is in it; <Exec override="no"/> forbids programs. Lock ' +
      'Exec, Fetch, NetConnection, ScriptLibPath, Debug, Process, StorageDir and VirtualDirectory where others than the operator ' +
      'write into folders of applications.',
    whenSaved: sayWhenSaved(),
  },
];
