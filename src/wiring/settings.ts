// Application.xml, as its rooms want it: the groups that they read whole, and the few values that several settings come to.
import type { ClientSettings, InstanceSettings } from '../application/instance/instance-settings.ts';
import type { ApplicationConfig } from '../config/application.ts';
import type { ScriptSettings } from '../script/host/host-options.ts';
import type { StandIns } from '../script/host/stand-ins.ts';
import type { Json } from '../script/wire/wire.ts';

/** For one instance, and those who are in it. */
export function instanceSettings(config: ApplicationConfig): InstanceSettings & { clients: ClientSettings } {
  const { maxAppIdleTimeMs, streamManager, client, resourceLimits } = config;
  return {
    ...{ maxAppIdleTimeMs, streamManager, client, resourceLimits },
    clients: {
      ...clientSettings(config),
      sampleAccess: config.sampleAccess,
      methods: config.methods,
      transport: { tunnels: config.allowHTTPTunnel, disallowed: config.disallowedProtocols },
    },
  };
}

/** What a connection goes by, also as long as it has no application. */
export function clientSettings({
  client,
  clientIdleMs,
}: Pick<ApplicationConfig, 'client' | 'clientIdleMs'>): ClientSettings {
  return {
    wireChunkBytes: client.outChunkSizeBytes,
    idleTimeoutMs: clientIdleMs,
    ...client.bandwidth,
  };
}

/** `isInspected`: debuggers may attach, whatever the file says. */
export function scriptSettings(config: ApplicationConfig, isInspected: boolean): ScriptSettings {
  const { jsEngine, libraries, limits, processScope, env, exec } = config;
  const { storageDir, virtual } = config.folders;
  return {
    ...jsEngine,
    ...{ libraries, limits, processScope, env, exec },
    config: jsEngine.applicationObject.config,
    streamFolders: [
      ...(storageDir === undefined ? [] : [storageDir]),
      ...virtual.map(({ folder }) => folder),
    ],
    isInspectable: isInspected || config.debug.allowDebugDefault,
  };
}

/** No debugger, no process of its own. */
export function inTest(settings: ScriptSettings, { env }: StandIns): ScriptSettings {
  const own = settings.env;
  const all: Json = { ...(typeof own === 'object' && !Array.isArray(own) ? own : {}), ...env };
  return { ...settings, env: all, processScope: 'shared', isInspectable: false };
}
