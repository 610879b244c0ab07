// conf/Users.xml: who administers the server.
import { group, leaf, list, type Read } from '../element.ts';
import { choice, text, trueOrFalse } from '../value.ts';
import { accessLists } from './access-lists.ts';

const methods = text('All, or names of methods between commas (ping, getApps), or nothing');

export const USERS = group('', {
  UserList: group('', {
    User: list(
      group('An administrator.', {
        '@name': leaf(text('a name'), '', 'What he calls himself.'),
        Password: group('', {
          '@encrypt': leaf(
            trueOrFalse,
            'false',
            'Whether it is a hash, as Users.local.xml has it of those who were added by command.',
          ),
          '#text': leaf(text('a text'), '', 'The password, or its hash.', { isSecret: true }),
        }),
        ...accessLists('this account, by address'),
      }),
    ),
  }),
  AdminServer: group('', {
    HTTPCommands: group(
      'The methods of the Administration API: /admin/METHOD on the port of the administration.',
      {
        Enable: leaf(trueOrFalse, 'true', 'Whether there are any.'),
        Allow: leaf(methods, 'All', 'Those that may be called. Nothing: all.'),
        Deny: leaf(methods, '', 'Those that may not be called.'),
        Order: leaf(
          choice('Allow,Deny', 'Deny,Allow'),
          'Allow,Deny',
          'Allow,Deny: what is in Allow and not in Deny. Deny,Allow: what is not in Deny, and what is in Allow all the same.',
        ),
      },
    ),
  }),
});

export type UsersValues = Read<typeof USERS>;
