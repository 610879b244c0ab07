// The settings of conf/ and of the applications by path, for administrators: each as its file has it now, and those of
// Application.xml that may be changed by command. What is secret is never said.
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ConfigError } from '../errors.ts';
import { APPLICATION_FILE } from './application.ts';
import type { AdaptorConfig, Config, VhostConfig } from './config.ts';
import { setValue } from './edit.ts';
import type { FreeValues, Group, Leaf, List, Members, Node } from './element.ts';
import { readIfThere } from './file.ts';
import { type Layer, Reader } from './reader.ts';
import { ADAPTOR } from './schema/adaptor.ts';
import { APPLICATION } from './schema/application.ts';
import { BY_COMMAND } from './schema/by-command.ts';
import { LOGGER } from './schema/logger.ts';
import { SERVER } from './schema/server.ts';
import { USERS } from './schema/users.ts';
import { VHOST } from './schema/vhost.ts';
import type { Symbols } from './symbols.ts';
import { parseXmlFile } from './xml.ts';

/** Which file: nothing but a `kind` is one of conf/ itself. `application` undefined: what all of the host have in common. */
export type SettingsFile =
  | { readonly kind: 'server' | 'users' | 'logger' }
  | { readonly kind: 'adaptor'; readonly adaptor: string }
  | { readonly kind: 'vhost'; readonly adaptor: string; readonly vhost: string }
  | {
      readonly kind: 'application';
      readonly adaptor: string;
      readonly vhost: string;
      readonly application: string | undefined;
    };

/** Texts as they stand in the file, units and all; symbols replaced. */
export type SettingValue = string | SettingValue[] | { [name: string]: SettingValue };

/** In the place of what is secret. */
const HIDDEN = '***';

interface Source {
  readonly rootName: string;
  readonly schema: Group<Members>;
  /** The one that counts most at the end. */
  readonly paths: readonly string[];
}

export class Settings {
  readonly #root: string;
  readonly #adaptors: readonly AdaptorConfig[];
  readonly #symbols: Symbols;

  constructor({ root, adaptors }: Pick<Config, 'root' | 'adaptors'>) {
    this.#root = root;
    this.#adaptors = adaptors;
    this.#symbols = adaptors[0]!.vhosts[0]!.defaults.symbols;
  }

  /** `path`: names of elements below the root of the file; `@name` an attribute, `Name:label` the one of a list. */
  read(file: SettingsFile, path: readonly string[]): SettingValue {
    const source = this.#sourceOf(file);
    const layers = source.paths.flatMap((place) => this.#layer(place, this.#textOf(place)));
    return this.#effective(source, layers, path);
  }

  /**
   * Changes the file. A ConfigError: there is no such setting, it may not be changed by command, it does not take that value,
   * or the file above forbids it.
   */
  write(file: SettingsFile, path: readonly string[], value: string): void {
    if (file.kind !== 'application') {
      throw new ConfigError(
        'ERR_CONFIG_ELEMENT',
        `only the operator can change this setting, in ${this.#nameOf(this.#sourceOf(file).paths.at(-1)!)}; it ` +
          'takes effect at the next start',
      );
    }
    const source = this.#sourceOf(file);
    const own = source.paths.at(-1)!;
    const wanted = path.map((name) => canonical(name));
    const leaf = leafAt(source.schema, wanted, this.#nameOf(own));
    if (!isByCommand(wanted)) {
      const text = `${path.join('/')} cannot be changed by command: edit ${this.#nameOf(own)}`;
      throw new ConfigError('ERR_CONFIG_ELEMENT', text);
    }
    try {
      leaf.value.parse(value);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new ConfigError(error.code, `${path.join('/')} = ${value}: ${error.message}`, { cause: error });
    }
    const before = this.#textOf(own);
    const spelt = before === undefined ? wanted : respell(wanted, this.#layer(own, before)[0]!);
    const after = setValue(before, source.rootName, spelt, value);
    const upper = source.paths.slice(0, -1).flatMap((place) => this.#layer(place, this.#textOf(place)));
    const layers = [...upper, ...this.#layer(own, after)];
    // the whole of it, so that a mistake of somebody else's does not make this change nothing
    new Reader(this.#symbols, []).read(source.rootName, source.schema, layers);
    if (this.#effective(source, layers, wanted) !== value) {
      const text = `${path.join('/')} is locked by ${this.#nameOf(source.paths[0]!)} with override="no"`;
      throw new ConfigError('ERR_CONFIG_VALUE', text);
    }
    replaceFile(own, after);
  }

  #effective(source: Source, layers: readonly Layer[], path: readonly string[]): SettingValue {
    const values = new Reader(this.#symbols, []).read(source.rootName, inTexts(source.schema), layers);
    return walk(source.schema, values, path, this.#nameOf(source.paths.at(-1)!));
  }

  #sourceOf(file: SettingsFile): Source {
    const conf = join(this.#root, 'conf');
    switch (file.kind) {
      case 'server':
        return { rootName: 'Root', schema: SERVER, paths: [join(conf, 'Server.xml')] };
      case 'users':
        return { rootName: 'Root', schema: USERS, paths: [join(conf, 'Users.xml')] };
      case 'logger':
        return { rootName: 'Logger', schema: LOGGER, paths: [join(conf, 'Logger.xml')] };
      case 'adaptor': {
        const { name } = this.#adaptor(file.adaptor);
        return { rootName: 'Adaptor', schema: ADAPTOR, paths: [join(conf, name, 'Adaptor.xml')] };
      }
      case 'vhost': {
        const { name } = this.#vhost(file);
        return {
          rootName: 'VirtualHost',
          schema: VHOST,
          paths: [join(conf, file.adaptor, name, 'Vhost.xml')],
        };
      }
      case 'application': {
        const { appsDir, defaults } = this.#vhost(file);
        const { application } = file;
        const own = application === undefined ? [] : [join(appsDir, application, APPLICATION_FILE)];
        return { rootName: 'Application', schema: APPLICATION, paths: [defaults.path, ...own] };
      }
    }
  }

  #adaptor(name: string): AdaptorConfig {
    const found = this.#adaptors.find((one) => one.name === name);
    if (!found) throw new ConfigError('ERR_CONFIG_ELEMENT', `there is no adaptor ${JSON.stringify(name)}`);
    return found;
  }

  #vhost({ adaptor, vhost }: { adaptor: string; vhost: string }): VhostConfig {
    const found = this.#adaptor(adaptor).vhosts.find(({ name }) => name === vhost);
    if (!found) {
      throw new ConfigError('ERR_CONFIG_ELEMENT', `there is no virtual host ${JSON.stringify(vhost)}`);
    }
    return found;
  }

  #textOf(path: string): string | undefined {
    return readIfThere(path, this.#nameOf(path));
  }

  #layer(path: string, text: string | undefined): Layer[] {
    if (text === undefined) return [];
    const isOperators = path.startsWith(join(this.#root, 'conf'));
    const symbols = isOperators ? this.#symbols : this.#symbols.forApplications;
    return [{ element: parseXmlFile(text, this.#nameOf(path)), symbols }];
  }

  #nameOf(path: string): string {
    const name = relative(this.#root, path);
    return name.startsWith('..') ? path : name;
  }
}

// ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** The same schema, whose values are what stands in the file. */
function inTexts<M extends Members>(group: Group<M>): Group<Members> {
  const members = Object.entries(group.members).map(([key, member]) => [key, nodeInTexts(member)]);
  return { ...group, members: Object.fromEntries(members) as Members };
}

function nodeInTexts(node: Node): Node {
  switch (node.kind) {
    case 'leaf':
      return leafInTexts(node);
    case 'group':
      return inTexts(node);
    case 'list': {
      const { item } = node;
      return item.kind === 'leaf'
        ? ({ ...node, item: leafInTexts(item) } as List<Leaf<unknown>>)
        : ({ ...node, item: inTexts(item) } as List<Group<Members>>);
    }
    default:
      return node;
  }
}

function leafInTexts({ value, ...rest }: Leaf<unknown>): Leaf<string> {
  const parse = (text: string) => (rest.isSecret && text !== '' ? HIDDEN : text);
  return { ...rest, value: { ...value, parse } };
}

function walk(schema: Group<Members>, values: unknown, path: readonly string[], file: string): SettingValue {
  let node: Node = schema;
  let value = values;
  for (const [depth, name] of path.entries()) {
    const so = () =>
      new ConfigError('ERR_CONFIG_ELEMENT', `${file} has no ${path.slice(0, depth + 1).join('/')}`);
    if (node.kind !== 'group') throw so();
    const [element = '', ...label] = name.split(':');
    const key: string = canonical(element);
    const member: Node | undefined = Object.hasOwn(node.members, key) ? node.members[key] : undefined;
    if (!member) throw so();
    if (member.kind === 'unused') {
      const text = `${path.slice(0, depth + 1).join('/')} is accepted in ${file} and has no effect`;
      throw new ConfigError('ERR_CONFIG_ELEMENT', text);
    }
    value = (value as Record<string, unknown>)[key];
    node = member;
    if (member.kind === 'list' && label.length > 0) {
      const items = value as unknown[];
      value = items.find((item) => (item as Record<string, unknown>)['@name'] === label.join(':'));
      if (value === undefined) throw so();
      node = member.item;
    }
  }
  // an element with a text is that text to who asks for it, as in Flash Media Server
  if (node.kind === 'group' && Object.hasOwn(node.members, '#text')) {
    return (value as Record<string, string>)['#text']!;
  }
  return shown(node, value);
}

function shown(node: Node, value: unknown): SettingValue {
  switch (node.kind) {
    case 'leaf':
      return value as string;
    case 'free':
      return hidden(value as FreeValues);
    case 'list':
      return (value as unknown[]).map((item) => shown(node.item, item));
    case 'group': {
      const entries = Object.entries(value as Record<string, unknown>);
      return Object.fromEntries(
        entries.map(([key, inner]) => [key.replace(/^[@#]/, ''), shown(node.members[key]!, inner)]),
      );
    }
    case 'unused':
      return '';
  }
}

/** What operators tell scripts may be secret, whatever it is called. */
function hidden(values: FreeValues): SettingValue {
  const entries = Object.entries(values);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? HIDDEN : hidden(value)]),
  );
}

/** The one element that has two names. */
function canonical(name: string): string {
  return name === 'ScriptEngine' ? 'JSEngine' : name;
}

// ── changing ─────────────────────────────────────────────────────────────────────────────────────────────────────

function leafAt(schema: Group<Members>, path: readonly string[], file: string): Leaf<unknown> {
  let node: Node | undefined = schema;
  for (const name of path) {
    const members: Members = node?.kind === 'group' ? node.members : {};
    node = Object.hasOwn(members, name) ? members[name] : undefined;
  }
  if (node?.kind === 'group') node = node.members['#text'];
  if (node?.kind === 'leaf') return node;
  throw new ConfigError('ERR_CONFIG_ELEMENT', `${file} has no single value ${path.join('/')}`);
}

function isByCommand(path: readonly string[]): boolean {
  const whole = path.join('/');
  return BY_COMMAND.some((one) => whole === one || whole.startsWith(`${one}/`));
}

/** By the name that the file has for it already. */
function respell(path: readonly string[], { element }: Layer): readonly string[] {
  const [first, ...rest] = path;
  const isOther = first === 'JSEngine' && element.children.some(({ name }) => name === 'ScriptEngine');
  return isOther ? ['ScriptEngine', ...rest] : path;
}

/** In one step: whoever reads it sees the one or the other. Its rights stay. */
function replaceFile(path: string, text: string): void {
  const draft = `${path}.${process.pid}`;
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0o644;
  try {
    writeFileSync(draft, text, { mode: mode & 0o777, flag: 'wx' });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw new ConfigError('ERR_CONFIG_READ', `${path} cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
