import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { WireDirection } from '../../../src/adaptor/link/wire-dump.ts';
import { Core, until } from '../../support/core.ts';
import { listenTo } from '../../support/replay.ts';
import { bytesOf, readWireDump } from '../../support/wire-dump.ts';

const folder = mkdtempSync(join(tmpdir(), 'understudy-dumps-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('a session’s dump holds what both sides said and when, for its owner only', async () => {
  await using core = await Core.start({ session: { wireDumpFolder: folder } });
  const { peer, id } = await core.publisher('show');
  core.clock.advance(1_234);
  peer.video(id, 40, Uint8Array.of(0x17, 1, 0, 0, 0, 9));
  await peer.settle();
  await peer[Symbol.asyncDispose]();

  const [name] = readdirSync(folder);
  const path = join(folder, name!);
  const client = () => listenTo('client', bytesOf(readWireDump(path), WireDirection.FromClient));
  await until('the dump on disk', () => core.sessionCount === 0 && isWhole(path));
  assert.equal(statSync(path).mode & 0o777, 0o600);

  assert.deepEqual(
    client().commands.map((command) => command.name),
    ['connect', 'createStream', 'publish', '_checkbw'],
  );
  assert.deepEqual(
    client().media.map(({ timestampMs, payload }) => [timestampMs, payload.length]),
    [[40, 6]],
  );
  const server = listenTo('server', bytesOf(readWireDump(path), WireDirection.FromServer));
  assert.deepEqual(
    server.commands.map((command) => command.name),
    peer.heard.flatMap(({ command }) => command?.name ?? []),
  );
  const times = readWireDump(path).map(({ ms }) => ms);
  assert.deepEqual([...new Set(times)], [0, 1_234]);
});

/** The file is written behind the session's back; its last record is the answer to _checkbw. */
function isWhole(path: string): boolean {
  try {
    const { commands } = listenTo('server', bytesOf(readWireDump(path), WireDirection.FromServer));
    return commands.filter(({ name }) => name === '_result').length === 3;
  } catch {
    return false;
  }
}

test('a folder that is not there costs the dump, not the session', async () => {
  await using core = await Core.start({ session: { wireDumpFolder: join(folder, 'missing') } });
  const { peer } = await core.publisher('show');
  await until('a word about it', () =>
    core.log.some(({ event, level }) => event === 'wire-dump' && level === 'error'),
  );
  await peer.settle();
});
