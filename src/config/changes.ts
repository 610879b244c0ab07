// What two readings of conf/ differ in, by the names that the files have for it.
import { isDeepStrictEqual } from 'node:util';
import type { Config, ReadFile } from './config.ts';
import type { Node } from './element.ts';

export interface SettingChange {
  /** `conf/Server.xml` */
  readonly file: string;
  /** `Server/ResourceLimits/Edge/MaxConnections`; empty: the whole file. */
  readonly setting: string;
}

export function changedSettings(
  before: Pick<Config, 'files'>,
  after: Pick<Config, 'files'>,
): SettingChange[] {
  const files = new Set([...Object.keys(before.files), ...Object.keys(after.files)]);
  return [...files].flatMap((file) => {
    const [old, now] = [before.files[file], after.files[file]];
    if (!old || !now) return [{ file, setting: '' }];
    return changedPaths(now.schema, old.values, now.values, []).map((setting) => ({ file, setting }));
  });
}

function changedPaths(node: Node, before: unknown, after: unknown, path: readonly string[]): string[] {
  if (node.kind !== 'group')
    return isDeepStrictEqual(before, after) ? [] : [path.join('/').replaceAll('/@', '@')];
  const [old, now] = [before, after] as Record<string, unknown>[];
  return Object.entries(node.members).flatMap(([key, member]) => {
    const name = key === '#text' ? path : [...path, key];
    return changedPaths(member as ReadFile['schema'], old?.[key], now?.[key], name);
  });
}

/** For people: each file is named once. */
export function pendingText(changes: readonly SettingChange[]): string {
  if (changes.length === 0) return 'conf/ is unchanged since the server started';
  const files = Map.groupBy(changes, ({ file }) => file);
  const texts = [...files].map(([file, ofIt]) => {
    const settings = ofIt.flatMap(({ setting }) => (setting === '' ? [] : [setting]));
    return settings.length === 0 ? file : `${file}: ${settings.join(', ')}`;
  });
  return `${texts.join('; ')}: ${changes.length === 1 ? 'takes' : 'take'} effect at the next start`;
}
