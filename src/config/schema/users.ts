// conf/Users.xml: who administers the server.
import { group, unused } from '../element.ts';

export const USERS = group('', {
  UserList: group('', { ...unused('User') }),
  AdminServer: group('', { HTTPCommands: group('', { ...unused('Allow', 'Deny', 'Enable', 'Order') }) }),
});
