// What stands in the files of settings.

import { anything, object, string } from '../schema.ts';
import { asked, settingPlace } from '../setting-place.ts';
import type { Route } from './route.ts';

const SETTING = {
  scope:
    'Which file, as Flash Media Server says it: Server, Users, Logger, Adaptor:NAME, …/VirtualHost:NAME, …/App:NAME.',
  key: 'Names of elements with / between them, @name for an attribute; nothing: the whole file.',
};

export const SETTING_ROUTES: readonly Route[] = [
  {
    id: 'getSetting',
    method: 'GET',
    path: '/settings',
    summary: 'What a file of settings says now; what is secret is ***',
    audience: 'host',
    query: SETTING,
    status: 200,
    result: object({ value: anything('A text, or what is in the element.') }),
    answer: ({ query, caller }, { administered }) => {
      const { file, path } = settingPlace(query.get('scope') ?? '', query.get('key') ?? '', caller.scope);
      return { value: asked(() => administered.settings.read(file, path)) };
    },
  },
  {
    id: 'changeSetting',
    method: 'PUT',
    path: '/settings',
    summary:
      'Changes a number or a switch in an Application.xml, which counts as if it had been saved by hand',
    audience: 'host',
    body: object({ scope: string(SETTING.scope), key: string(SETTING.key), value: string() }),
    status: 204,
    answer: ({ body, caller }, { commands }) => {
      const { scope, key, value } = body as { scope: string; key: string; value: string };
      commands.changeSetting(settingPlace(scope, key, caller.scope), value, caller);
    },
  },
];
