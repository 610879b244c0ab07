// conf/Users.xml: who administers the server.
import { group, leaf, list, type Read } from '../element.ts';
import { choice, text, trueOrFalse } from '../value.ts';
import { accessLists } from './access-lists.ts';

const methods = text('All, or names of methods, separated by commas (ping, getApps), or nothing');

export const USERS = group('', {
  UserList: group('', {
    User: list(
      group('An administrator.', {
        '@name': leaf(text('a name'), '', 'Name of the account.'),
        Password: group('', {
          '@encrypt': leaf(
            trueOrFalse,
            'false',
            'true: the password is a hash, as in Users.local.xml for accounts added by command. false: it is ' +
              'plain text.',
          ),
          '#text': leaf(text('a text'), '', 'The password, or its hash if encrypt is true.', {
            isSecret: true,
          }),
        }),
        ...accessLists('this account, by address'),
      }),
    ),
  }),
  AdminServer: group('', {
    HTTPCommands: group('Methods of the Administration API: /admin/METHOD on the administration port.', {
      Enable: leaf(trueOrFalse, 'true', 'Serve the Administration API.'),
      Allow: leaf(methods, 'All', 'Methods that may be called. Empty: all.'),
      Deny: leaf(methods, '', 'Methods that may not be called.'),
      Order: leaf(
        choice('Allow,Deny', 'Deny,Allow'),
        'Allow,Deny',
        'Allow,Deny: allow methods that are in Allow and not in Deny. Deny,Allow: allow methods that are not in ' +
          'Deny, and methods in Allow even if they are in Deny.',
      ),
    }),
  }),
});

export type UsersValues = Read<typeof USERS>;
