import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ApplicationSettings } from '../../src/config/application-settings.ts';
import { loadConfig } from '../../src/config/load.ts';
import { rootWith } from './support.ts';

const WITHOUT_LOGIN = '<Application><Authentication><Mode>off</Mode></Authentication></Application>';
const GUARDED = '<Application><Authentication><Mode>everybody</Mode></Authentication></Application>';

function settingsIn(root: string) {
  const { defaults, application } = loadConfig({ root, set: {}, environment: {} }).adaptors[0]!.vhosts[0]!;
  const said: string[] = [];
  const settings = new ApplicationSettings(defaults, application, ({ level, text }) =>
    said.push(`${level}: ${text}`),
  );
  return { settings, said };
}

test('a file that was right and is bad now leaves the settings as they were, and is reported once', (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': GUARDED });
  const { settings, said } = settingsIn(root);
  assert.equal(settings.of('live').login?.of, 'everybody');
  const file = join(root, 'applications/live/Application.xml');
  writeFileSync(file, GUARDED.replace('everybody', 'evrybody'));
  for (let i = 0; i < 2; i += 1) assert.equal(settings.of('live').login?.of, 'everybody');
  assert.equal(said.length, 1);
  assert.match(said[0]!, /^error: .*Application\.xml:1: .*evrybody.*; the settings before it stay$/);
  rmSync(file);
  assert.equal(settings.of('live').login, undefined, 'a file that has gone says nothing any more');
});

test('a mistake that is undone is said to be, though nothing has changed by it', (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': GUARDED });
  const { settings, said } = settingsIn(root);
  settings.of('live');
  const file = join(root, 'applications/live/Application.xml');
  writeFileSync(file, '<Application>');
  settings.refresh('live');
  writeFileSync(file, GUARDED);
  assert.equal(settings.refresh('live'), false);
  settings.refresh('live');
  assert.deepEqual(said.slice(1), ['info: the settings of live are right again']);
});

test('an application whose folder has gone keeps its settings, for what still runs of it', (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': GUARDED });
  const { settings } = settingsIn(root);
  assert.equal(settings.of('live').login?.of, 'everybody');
  rmSync(join(root, 'applications/live'), { recursive: true });
  assert.equal(settings.refresh('live'), false);
  assert.equal(settings.of('live').login?.of, 'everybody');
  mkdirSync(join(root, 'applications/live'));
  assert.equal(settings.of('live').login, undefined, 'a new folder of that name is another application');
});

test('an application whose file was never right is closed until it is', (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': '<Application>' });
  const file = join(root, 'applications/live/Application.xml');
  const { settings, said } = settingsIn(root);
  assert.equal(settings.isClosed('live'), true);
  assert.equal(settings.of('live').login, undefined);
  assert.equal(said.length, 1);
  assert.match(said[0]!, /; nobody can connect to the application until it is right$/);
  assert.equal(settings.isClosed('without'), false, 'a file that is not there has no mistake');

  writeFileSync(file, GUARDED);
  assert.equal(settings.isClosed('live'), false);
  assert.deepEqual(said.slice(1), ['info: the settings of live are right: clients can connect to it']);
  writeFileSync(file, '<Application>');
  assert.equal(settings.isClosed('live'), false, 'the settings before it stay');
  assert.equal(settings.of('live').login?.of, 'everybody');
});

test('instances are given anew what has changed, and nothing else', (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': GUARDED });
  const file = join(root, 'applications/live/Application.xml');
  const { settings, said } = settingsIn(root);
  assert.equal(settings.refresh('live'), false, 'nobody has asked for them');
  settings.of('live');
  assert.equal(settings.refresh('live'), false, 'they are as they were');
  writeFileSync(file, '<Application/>');
  settings.of('live'); // of another instance, before the change has been noticed
  assert.equal(settings.refresh('live'), true);
  assert.equal(settings.refresh('live'), false);
  writeFileSync(file, '<Application>');
  assert.equal(settings.refresh('live'), false, 'a bad file changes nothing');
  assert.equal(said.length, 1);
  writeFileSync(file, GUARDED);
  assert.equal(settings.refresh('live'), true);
});

test('what the virtual host’s file has changed is in the comparison', (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': '<Application/>' });
  const { settings } = settingsIn(root);
  settings.of('live');
  const host = join(root, 'conf/_defaultRoot_/_defaultVHost_/Application.xml');
  mkdirSync(dirname(host), { recursive: true });
  writeFileSync(host, GUARDED);
  assert.equal(settings.refreshDefaults(), true);
  assert.equal(settings.of('live').login?.of, 'everybody');
  writeFileSync(join(root, 'applications/live/Application.xml'), WITHOUT_LOGIN);
  assert.equal(settings.refresh('live'), true);
  assert.equal(settings.of('live').login, undefined);
});
