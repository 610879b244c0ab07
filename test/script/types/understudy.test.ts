// The typings that authors get, held against script-table.ts: a file of statements about them is made from the rows, and the compiler
// says which of them are false.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Field, Fields, Shape } from '../../../src/application/contract/script-fields.ts';
import { PUBLISH_TYPES, RECORD_MODES } from '../../../src/application/contract/script-limits.ts';
import {
  CLIENT_ACCESS,
  CLIENT_IDENTITY,
  CLIENT_STATS,
  HANDLERS,
  INSTANCE_COMMANDS,
  INSTANCE_STATS,
  PLAY_REQUEST,
  PUBLISH_REQUEST,
  RECORD_FAULT,
  RECORDED_FILE,
} from '../../../src/application/contract/script-table.ts';

const ROOT = join(import.meta.dirname, '../../..');

const PRELUDE = `
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Fits<A, B> = [A] extends [B] ? true : false;
/** Members of objects of that name, and of their constructor. */
type Members = {
  Application: keyof Application;
  Client: keyof Client;
  Stream: keyof Stream;
  NetConnection: keyof NetConnection | keyof NetConnectionConstructor;
  NetStream: keyof NetStream;
};
type HandlersOf<T> = { [K in keyof T]: K extends \`on\${infer Name}\` ? (Name extends Capitalize<Name> ? K : never) : never }[keyof T];
function holds<_T extends true>(): void {}
`;

const union = (values: readonly unknown[]) => values.map((value) => JSON.stringify(value)).join(' | ');

function* statements(): Generator<string> {
  yield `holds<Same<RecordMode, ${union(RECORD_MODES)}>>();`;
  yield `holds<Same<PublishRequest['type'], ${union(PUBLISH_TYPES)}>>();`;
  yield `holds<Same<NonNullable<HandlersOf<Application>>, ${union(HANDLERS)}>>();`;
  for (const { members } of Object.values(INSTANCE_COMMANDS)) {
    for (const name of members) {
      const [object, member] = name.split('.');
      yield `holds<Fits<'${member}', Members['${object}']>>();`;
    }
  }
  yield* fieldsOf('Client', { ...CLIENT_IDENTITY, ...CLIENT_ACCESS });
  yield* shapeOf('ClientStats', CLIENT_STATS);
  yield* shapeOf('InstanceStats', INSTANCE_STATS);
  yield* shapeOf('PublishRequest', PUBLISH_REQUEST, ['current']);
  yield* shapeOf('PlayRequest', PLAY_REQUEST);
  yield* shapeOf('RecordedFile', RECORDED_FILE);
  yield* shapeOf('RecordFault', RECORD_FAULT);
}

/** `more`: members that the guest library adds. */
function* shapeOf(name: string, { has = {}, may = {} }: Shape, more: string[] = []): Generator<string> {
  yield `holds<Same<keyof ${name}, ${union([...Object.keys(has), ...Object.keys(may), ...more])}>>();`;
  yield* fieldsOf(name, { ...has, ...may });
}

function* fieldsOf(name: string, fields: Fields): Generator<string> {
  for (const [field, kind] of Object.entries(fields)) {
    const type = typeOf(kind);
    yield `holds<Fits<NonNullable<${name}['${field}']>, ${type}>>();`;
    if (kind.is === 'oneOf') yield `holds<Same<${name}['${field}'], ${type}>>();`;
  }
}

function typeOf(field: Field): string {
  switch (field.is) {
    case 'text':
      return 'string';
    case 'flag':
      return 'boolean';
    case 'number':
      return 'number';
    case 'oneOf':
      return union(field.of);
    case 'texts':
      return 'readonly string[]';
    case 'textByName':
      return '{ readonly [name: string]: string | undefined }';
    default:
      throw new Error(`how do authors see a field of kind ${field.is}?`);
  }
}

/** What the compiler says about statements on the typings; empty: all are true. */
async function falseOnes(lines: Iterable<string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'understudy-typings-'));
  try {
    await cp(join(ROOT, 'src/script/types/understudy.d.ts'), join(folder, 'understudy.d.ts'));
    await writeFile(join(folder, 'check.ts'), `${PRELUDE}${[...lines].join('\n')}\n`);
    const compilerOptions = { strict: true, noEmit: true, target: 'es2024', lib: ['es2024'], types: [] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
    assert.ok(status !== null, stderr);
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('the typings for authors say what the table of gates, notices and commands says', async () => {
  assert.equal(await falseOnes(statements()), '');
});

test('a handler, a member, a field or a mode that is not in the typings is found', async () => {
  const wrong = [
    `holds<Same<RecordMode, ${union([...RECORD_MODES, 'never'])}>>();`,
    `holds<Same<NonNullable<HandlersOf<Application>>, ${union([...HANDLERS, 'onNothing'])}>>();`,
    "holds<Fits<'fly', Members['Client']>>();",
    "holds<Fits<Client['secure'], string>>();",
  ];
  assert.equal((await falseOnes(wrong)).match(/error TS/g)?.length, wrong.length);
});
