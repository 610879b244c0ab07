// What stands in the files of settings.

import { anything, object, string } from '../schema.ts';
import { asked, settingPlace } from '../setting-place.ts';
import type { Route } from './route.ts';

const SETTING = {
  scope:
    'The file, in the notation of Flash Media Server: Server, Users, Logger, Adaptor:NAME, …/VirtualHost:NAME, ' +
    '…/App:NAME.',
  key: 'Names of elements, separated by /, @name for an attribute; empty: the whole file.',
};

export const SETTING_ROUTES: readonly Route[] = [
  {
    id: 'getSetting',
    method: 'GET',
    path: '/settings',
    summary: 'The current contents of a settings file; secrets are ***',
    audience: 'host',
    query: SETTING,
    status: 200,
    result: object({ value: anything('A text, or the contents of the element.') }),
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
      'Changes a number or a switch in an Application.xml; it takes effect as if the file had been saved by hand',
    audience: 'host',
    body: object({ scope: string(SETTING.scope), key: string(SETTING.key), value: string() }),
    status: 204,
    answer: ({ body, caller }, { commands }) => {
      const { scope, key, value } = body as { scope: string; key: string; value: string };
      commands.changeSetting(settingPlace(scope, key, caller.scope), value, caller);
    },
  },
];
