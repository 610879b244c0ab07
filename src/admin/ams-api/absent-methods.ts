// Methods of Flash Media Server about what there is not here: who calls them is told so, instead of that they are misspelt.
import { AdminError } from '../admin-error.ts';
import { forServer, type MethodTable } from './method.ts';

const ABSENT: Readonly<Record<string, readonly string[]>> = {
  'there are no groups of RTMFP': ['getGroups', 'getGroupMembers', 'getGroupMemberStats', 'getGroupStats'],
  'there is no message cache': ['getMsgCacheStats'],
  'a debugger attaches to a script: understudy help start; streams are watched as any player does': [
    'approveDebugSession',
  ],
  'the server is running already; restart it with the service manager or command that started it': [
    'startServer',
  ],
  'shared objects are not supported yet': ['getSharedObjectStats', 'clearSharedObjects'],
};

export const ABSENT_METHODS: MethodTable = Object.fromEntries(
  Object.entries(ABSENT).flatMap(([why, names]) =>
    names.map((name) => [
      name,
      forServer(() => {
        throw new AdminError('ERR_ADMIN_METHOD', `${name}: ${why}`);
      }),
    ]),
  ),
);
