// Administrators, and the tokens that they show instead of their passwords.
import { notFound } from '../commands.ts';
import { array, integer, object, string } from '../schema.ts';
import { TOKEN_MS } from '../tokens.ts';
import type { Route } from './route.ts';

export const ACCOUNT_ROUTES: readonly Route[] = [
  {
    id: 'listUsers',
    method: 'GET',
    path: '/users',
    summary: 'The administrators',
    audience: 'server',
    status: 200,
    result: array(
      object({
        name: string(),
        'adaptor?': string('Missing: the account administers the whole server.'),
        'vhost?': string('The virtual host that the account administers.'),
      }),
    ),
    answer: (_call, { accounts }) => accounts.names.map((name) => ({ name, ...accounts.scopeOf(name) })),
  },
  {
    id: 'addUser',
    method: 'POST',
    path: '/users',
    summary: 'Adds an administrator',
    audience: 'server',
    body: object({ name: string(), password: string() }),
    status: 201,
    result: object({ name: string() }),
    answer: async ({ body, caller }, { commands }) => {
      const { name, password } = body as { name: string; password: string };
      await commands.addAccount(name, password, caller);
      return { name };
    },
  },
  {
    id: 'changePassword',
    method: 'PUT',
    path: '/users/{user}/password',
    summary: "Changes an administrator's password",
    audience: 'server',
    body: object({ password: string() }),
    status: 204,
    answer: ({ path, body, caller }, { commands }) =>
      commands.changePassword(path.user!, (body as { password: string }).password, caller),
  },
  {
    id: 'removeUser',
    method: 'DELETE',
    path: '/users/{user}',
    summary: 'Removes an administrator',
    audience: 'server',
    status: 204,
    answer: ({ path, caller }, { commands }) => commands.removeAccount(path.user!, caller),
  },
  {
    id: 'makeToken',
    method: 'POST',
    path: '/tokens',
    summary: 'A token that replaces the password: Authorization: Bearer …',
    audience: 'host',
    status: 201,
    result: object({ token: string(), lastsMs: integer() }),
    answer: ({ caller }, { tokens }) => ({ token: tokens.issue(caller.name), lastsMs: TOKEN_MS }),
  },
  {
    id: 'revokeToken',
    method: 'DELETE',
    path: '/tokens/current',
    summary: 'Revokes the token of this request',
    audience: 'host',
    status: 204,
    answer: ({ token }, { tokens }) => {
      if (token === undefined) throw notFound('the request has no token');
      tokens.revoke(token);
    },
  },
];
