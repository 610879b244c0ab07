// What stands in the files of settings, by the names of Flash Media Server.
import { AdminError } from '../admin-error.ts';
import { asked, type SettingPlace, settingPlace } from '../setting-place.ts';
import { type Call, forHost, type Method, type MethodTable } from './method.ts';

const get: Method = forHost((call, { administered }) => {
  const { file, path } = placeOf(call);
  return asked(() => administered.settings.read(file, path));
});
const set: Method = forHost((call, { commands }) => {
  const value = call.parameters.get('value');
  if (value === undefined) throw new AdminError('ERR_ADMIN_ARGUMENT', 'the parameter value is missing');
  commands.changeSetting(placeOf(call), value, call.caller);
});

export const SETTING_METHODS: MethodTable = {
  getConfig: get,
  getConfig2: get,
  setConfig: set,
  setConfig2: set,
};

function placeOf({ parameters, caller }: Call): SettingPlace {
  return settingPlace(parameters.get('scope') ?? '', parameters.need('key'), caller.scope);
}
