// Virtual hosts, applications and settings: what changes more than an instance, by the names of Flash Media Server.
import { AdminError } from './admin-error.ts';
import { theHost } from './administered.ts';
import type { Call, Method, MethodsOptions } from './method.ts';
import { asked, settingPlace } from './setting-place.ts';

export function hostMethods({ administered, commands }: MethodsOptions): Record<string, Method> {
  const hostOf = ({ parameters }: Call) =>
    theHost(administered, parameters.get('adaptor'), parameters.get('vhost'));
  const placeOf = ({ parameters, caller }: Call) =>
    settingPlace(parameters.get('scope') ?? '', parameters.need('key'), caller.scope);
  const get: Method = (call) => {
    const { file, path } = placeOf(call);
    return asked(() => administered.settings.read(file, path));
  };
  const set: Method = (call) => {
    const value = call.parameters.get('value');
    if (value === undefined) throw new AdminError('ERR_ADMIN_ARGUMENT', 'the parameter value is missing');
    commands.changeSetting(placeOf(call), value, call.caller);
    return undefined;
  };
  const alias: (change: 'addAlias' | 'removeAlias') => Method = (change) => (call) => {
    const { parameters, caller } = call;
    if (parameters.get('persist') === 'true') {
      const text = 'an alias that stays belongs in Vhost.xml; by command it lasts until the server ends';
      throw new AdminError('ERR_ADMIN_ARGUMENT', text);
    }
    commands[change](hostOf(call), parameters.need('alias'), caller);
    return undefined;
  };
  return {
    getConfig: get,
    getConfig2: get,
    setConfig: set,
    setConfig2: set,
    removeApp: async (call) => {
      const place = await commands.removeApplication(hostOf(call), call.parameters.need('app'), call.caller);
      return { moved_to: place };
    },
    startVHost: (call) => {
      commands.startHost(hostOf(call), call.caller);
      return undefined;
    },
    stopVHost: async (call) => {
      await commands.stopHost(hostOf(call), call.caller);
      return undefined;
    },
    restartVHost: async (call) => {
      const host = hostOf(call);
      await commands.stopHost(host, call.caller);
      commands.startHost(host, call.caller);
      return undefined;
    },
    addVHostAlias: alias('addAlias'),
    removeVHostAlias: alias('removeAlias'),
    gc: async ({ caller }) => ({ instances: await commands.collect(caller) }),
  };
}
