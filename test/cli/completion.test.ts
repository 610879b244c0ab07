import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { newApplication } from '../../src/cli/new.ts';
import { LanguageServer } from '../support/language-server.ts';

test('in a fresh root, an editor completes application.on… in a new application', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'understudy-editor-'));
  t.after(() => rmSync(root, { recursive: true }));
  newApplication(root, 'tv');
  await using server = new LanguageServer();
  await server.initialize(root);

  const items = await server.completionsAtEnd(join(root, 'applications/tv/main.ts'), 'application.on');
  const handlers = items.map(({ label }) => label.replace('?', '')).filter((label) => label.startsWith('on'));
  assert.deepEqual(handlers.sort(), [
    'onAppStart',
    'onAppStop',
    'onAuthenticate',
    'onBeforeReload',
    'onClientResume',
    'onConnect',
    'onConnectAccept',
    'onConnectReject',
    'onDisconnect',
    'onPause',
    'onPlay',
    'onPublish',
    'onRecord',
    'onRecordError',
    'onStatus',
    'onStop',
    'onUnpublish',
  ]);
});

test('in a fresh root, an editor knows the client that a handler is given, and no DOM', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'understudy-editor-'));
  t.after(() => rmSync(root, { recursive: true }));
  newApplication(root, 'tv');
  await using server = new LanguageServer();
  await server.initialize(root);

  const folder = join(root, 'applications/tv');
  const members = await server.completionsAtEnd(
    join(folder, 'main.ts'),
    'application.onConnect = (client) => client.',
  );
  const labels = members.map(({ label }) => label);
  for (const member of ['ip', 'data', 'call', 'readAccess']) assert.ok(labels.includes(member), member);
  const globals = await server.completionsAtEnd(join(folder, 'other.ts'), 'export const x = ');
  const names = globals.map(({ label }) => label);
  for (const name of ['application', 'trace', 'crypto']) assert.ok(names.includes(name), name);
  for (const name of ['document', 'window', 'process', 'require']) assert.ok(!names.includes(name), name);
});
