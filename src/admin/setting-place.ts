// Which setting of which file an administrator means, in Flash Media Server's notation: `scope` and `key` together are
//
//   Server/ResourceLimits/…, Admin/…   Server.xml      Users/…, Logger/…   those
//   Adaptor:NAME/…                     Adaptor.xml     Adaptor:NAME/VirtualHost:NAME/…   Vhost.xml
//   …/VirtualHost:NAME/App:NAME/…      Application.xml of an application; App alone: that of the virtual host
//
// with names of elements behind it, `@name` for an attribute.

import { isApplicationName } from '../application/instance/registry.ts';
import { DEFAULT_ADAPTOR, DEFAULT_VHOST } from '../config/load.ts';
import type { SettingsFile } from '../config/settings.ts';
import { ConfigError } from '../errors.ts';
import { AdminError } from './admin-error.ts';
import { notHis, type Scope } from './scope.ts';

export interface SettingPlace {
  readonly file: SettingsFile;
  readonly path: readonly string[];
}

const MAX_SEGMENTS = 32;

/** `own`: of an administrator of one virtual host, who sees that one's files alone. */
export function settingPlace(scope: string, key: string, own: Scope | undefined): SettingPlace {
  const segments = `${scope}/${key}`.split('/').filter((part) => part !== '' && part !== 'Root');
  if (segments.length > MAX_SEGMENTS) throw new AdminError('ERR_ADMIN_ARGUMENT', 'the key is too long');
  // the manual has both of Admin/Adaptor:… and Adaptor:…
  if (segments[0] === 'Admin' && /^(Adaptor|VirtualHost|App)\b/.test(segments[1] ?? '')) segments.shift();
  const place = readPlace(segments, own);
  if (own && !isOf(place.file, own)) throw notHis();
  return place;
}

function readPlace(segments: readonly string[], own: Scope | undefined): SettingPlace {
  const rest = [...segments];
  const take = (name: string): string | undefined => {
    const [kind, ...label] = rest[0]?.split(':') ?? [];
    if (kind !== name) return undefined;
    rest.shift();
    return label.join(':');
  };
  const adaptor = take('Adaptor');
  const vhost = take('VirtualHost');
  const application = take('App') ?? take('Application');
  const host = {
    adaptor: adaptor || own?.adaptor || DEFAULT_ADAPTOR,
    vhost: vhost || own?.vhost || DEFAULT_VHOST,
  };
  if (application !== undefined) {
    if (application !== '' && !isApplicationName(application)) {
      throw new AdminError('ERR_ADMIN_ARGUMENT', `no application is called ${JSON.stringify(application)}`);
    }
    return { file: { kind: 'application', ...host, application: application || undefined }, path: rest };
  }
  if (vhost !== undefined) return { file: { kind: 'vhost', ...host }, path: rest };
  if (adaptor !== undefined) return { file: { kind: 'adaptor', adaptor: host.adaptor }, path: rest };
  if (take('Users') !== undefined) return { file: { kind: 'users' }, path: rest };
  if (take('Logger') !== undefined) return { file: { kind: 'logger' }, path: rest };
  if (take('Admin') !== undefined) return { file: { kind: 'server' }, path: ['Server', ...rest] };
  return { file: { kind: 'server' }, path: rest };
}

function isOf(file: SettingsFile, { adaptor, vhost }: Scope): boolean {
  return 'vhost' in file && file.adaptor === adaptor && file.vhost === vhost;
}

/** What conf/ says against it is said to the administrator. */
export function asked<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new AdminError('ERR_ADMIN_ARGUMENT', error.message, { cause: error });
  }
}
