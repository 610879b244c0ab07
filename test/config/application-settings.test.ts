import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs, { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ApplicationSettings } from '../../src/config/application-settings.ts';
import { loadConfig } from '../../src/config/load.ts';
import { rootWith } from './support.ts';

const WITHOUT_LOGIN = '<Application><Authentication><Mode>off</Mode></Authentication></Application>';
const GUARDED = '<Application><Authentication><Mode>everybody</Mode></Authentication></Application>';

/** `applications` have been read. */
async function settingsIn(root: string, ...applications: string[]) {
  const { defaults, application } = loadConfig({ root, set: {}, environment: {} }).adaptors[0]!.vhosts[0]!;
  const said: string[] = [];
  const settings = new ApplicationSettings(defaults, application, ({ level, text }) =>
    said.push(`${level}: ${text}`),
  );
  for (const name of applications) await settings.reading(name);
  return { settings, said };
}

test('a file that was right and is bad now leaves the settings as they were, and is reported', async (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': GUARDED });
  const { settings, said } = await settingsIn(root, 'live');
  assert.equal(settings.of('live').login?.of, 'everybody');
  const file = join(root, 'applications/live/Application.xml');
  writeFileSync(file, GUARDED.replace('everybody', 'evrybody'));
  await settings.refresh('live');
  assert.equal(settings.of('live').login?.of, 'everybody');
  assert.equal(said.length, 1);
  assert.match(said[0]!, /^error: .*Application\.xml:1: .*evrybody.*; the previous settings stay in effect$/);
  rmSync(file);
  await settings.refresh('live');
  assert.equal(settings.of('live').login, undefined, 'a file that has gone says nothing any more');
});

test('a mistake that is undone is said to be, though nothing has changed by it', async (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': GUARDED });
  const { settings, said } = await settingsIn(root, 'live');
  settings.of('live');
  const file = join(root, 'applications/live/Application.xml');
  writeFileSync(file, '<Application>');
  await settings.refresh('live');
  assert.equal(settings.mistakeIn('live')?.place?.line, 1);
  writeFileSync(file, GUARDED);
  assert.equal(await settings.refresh('live'), false);
  await settings.refresh('live');
  assert.deepEqual(said.slice(1), ['info: the settings of live are valid again']);
  assert.equal(settings.mistakeIn('live'), undefined);
});

test('an application whose folder has gone keeps its settings, for what still runs of it', async (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': GUARDED });
  const { settings } = await settingsIn(root, 'live');
  assert.equal(settings.of('live').login?.of, 'everybody');
  rmSync(join(root, 'applications/live'), { recursive: true });
  assert.equal(await settings.refresh('live'), false);
  assert.equal(settings.of('live').login?.of, 'everybody');
  mkdirSync(join(root, 'applications/live'));
  await settings.reading('live');
  assert.equal(settings.of('live').login, undefined, 'a new folder of that name is another application');
});

test('an application whose file was never right is closed until it is', async (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': '<Application>' });
  mkdirSync(join(root, 'applications/without'));
  const file = join(root, 'applications/live/Application.xml');
  const { settings, said } = await settingsIn(root, 'live', 'without');
  assert.equal(settings.isClosed('live'), true);
  assert.equal(settings.of('live').login, undefined);
  assert.equal(said.length, 1);
  assert.match(said[0]!, /; clients cannot connect to the application until the error is corrected$/);
  assert.equal(settings.isClosed('without'), false, 'a file that is not there has no mistake');

  writeFileSync(file, GUARDED);
  await settings.refresh('live');
  assert.equal(settings.isClosed('live'), false);
  assert.deepEqual(said.slice(1), ['info: the settings of live are valid: clients can connect to it']);
  writeFileSync(file, '<Application>');
  await settings.refresh('live');
  assert.equal(settings.isClosed('live'), false, 'the previous settings stay in effect');
  assert.equal(settings.of('live').login?.of, 'everybody');
});

test('instances are given anew what has changed, and nothing else', async (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': GUARDED });
  const file = join(root, 'applications/live/Application.xml');
  const { settings, said } = await settingsIn(root, 'live');
  assert.equal(await settings.refresh('live'), false, 'nobody has asked for them');
  settings.of('live');
  assert.equal(await settings.refresh('live'), false, 'they are as they were');
  writeFileSync(file, '<Application/>');
  settings.of('live'); // of another instance, before the change has been noticed
  assert.equal(await settings.refresh('live'), true);
  assert.equal(await settings.refresh('live'), false);
  writeFileSync(file, '<Application>');
  assert.equal(await settings.refresh('live'), false, 'a bad file changes nothing');
  assert.equal(said.length, 1);
  writeFileSync(file, GUARDED);
  assert.equal(await settings.refresh('live'), true);
});

test('what the virtual host’s file has changed is in the comparison', async (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': '<Application/>' });
  const { settings } = await settingsIn(root, 'live');
  settings.of('live');
  const host = join(root, 'conf/_defaultRoot_/_defaultVHost_/Application.xml');
  mkdirSync(dirname(host), { recursive: true });
  writeFileSync(host, GUARDED);
  assert.equal(await settings.refreshDefaults(), true);
  assert.equal(settings.of('live').login?.of, 'everybody');
  writeFileSync(join(root, 'applications/live/Application.xml'), WITHOUT_LOGIN);
  assert.equal(await settings.refresh('live'), true);
  assert.equal(settings.of('live').login, undefined);
});

test('nobody comes in before the files have been read, and what is asked then does not touch the disk', async (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': GUARDED });
  const { settings } = await settingsIn(root);
  assert.equal(settings.isClosed('live'), true);
  const reading = settings.reading('live');
  assert.ok(reading);
  await reading;
  assert.equal(settings.isClosed('live'), false);
  const spies = [
    ...(['openSync', 'readFileSync', 'statSync', 'existsSync'] as const).map((name) =>
      t.mock.method(fs, name),
    ),
    ...(['open', 'readFile', 'stat'] as const).map((name) => t.mock.method(fs.promises, name)),
  ];
  syncBuiltinESMExports(); // the files under test import these by their names
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const reads = () => spies.reduce((sum, spy) => sum + spy.mock.callCount(), 0);
  assert.equal(settings.reading('live'), undefined);
  for (let i = 0; i < 5; i += 1) assert.equal(settings.of('live').login?.of, 'everybody');
  settings.isClosed('live');
  settings.mistakeIn('live');
  assert.equal(reads(), 0);
  await settings.refresh('live');
  assert.ok(reads() > 0, 'reads are seen here');
});

test('of two saves the later one counts, however they are noticed', async (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': WITHOUT_LOGIN });
  const { settings } = await settingsIn(root, 'live');
  settings.of('live');
  const first = settings.refresh('live');
  writeFileSync(join(root, 'applications/live/Application.xml'), GUARDED);
  await Promise.all([first, settings.refresh('live')]);
  assert.equal(settings.of('live').login?.of, 'everybody');
});

test('a file that is a pipe, a device, a folder, large or of a million tags closes its application with a sentence', async (t) => {
  const root = rootWith(t);
  mkdirSync(join(root, 'applications/live'), { recursive: true });
  const file = join(root, 'applications/live/Application.xml');
  const { settings, said } = await settingsIn(root);
  const refused = async (what: string) => {
    await settings.refresh('live');
    assert.equal(settings.isClosed('live'), true, what);
    const text = `error: applications/live/Application.xml: ${what}; clients cannot connect to the application until the error is corrected`;
    assert.equal(said.at(-1), text);
    rmSync(file, { recursive: true });
  };
  execFileSync('mkfifo', [file]);
  await refused('expected a regular file, found a named pipe');
  symlinkSync('/dev/zero', file);
  await refused('expected a regular file, found a device');
  mkdirSync(file);
  await refused('expected a regular file, found a folder');
  writeFileSync(file, ' '.repeat((1 << 20) + 1));
  await refused('1048577 bytes: expected at most 1048576');
  writeFileSync(file, `<Application>${'<a/>'.repeat(200_000)}</Application>`);
  await refused('more than 10000 tags, attributes, entities and symbols');
  writeFileSync(file, `<Application>${'\n'.repeat(60_000)}</Application>`);
  await refused('more than 50000 lines');
  writeFileSync(file, `${'<a>'.repeat(4000)}${'</a>'.repeat(4000)}`);
  await refused('elements are nested too deep');
  await settings.refresh('live');
  assert.equal(settings.isClosed('live'), false);
});

test('of a thousand remarks on a file a hundred are said, and how many more there are', async (t) => {
  const many = Array.from({ length: 1000 }, (_, i) => `<ThrottleLoads>${i}</ThrottleLoads>\n`).join('');
  const file = `<Application><StreamManager>${many}</StreamManager></Application>`;
  const root = rootWith(t, { 'applications/live/Application.xml': file });
  const { said } = await settingsIn(root, 'live');
  assert.equal(said.length, 101);
  assert.equal(said.at(-1), 'warn: live: 900 more warnings about its settings');
});
