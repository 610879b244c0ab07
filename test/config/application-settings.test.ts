import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ApplicationSettings } from '../../src/config/application-settings.ts';
import { loadConfig } from '../../src/config/load.ts';
import { rootWith } from './support.ts';

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

test('a file that was never right is ignored', (t) => {
  const root = rootWith(t, { 'applications/live/Application.xml': '<Application>' });
  const { settings, said } = settingsIn(root);
  assert.equal(settings.of('live').login, undefined);
  assert.match(said[0]!, /; the file is ignored$/);
});
