// Two servers with one root folder: each is a process of its own, on ports of its own.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readRunFile } from '../../src/admin/run-file.ts';
import { h264Clip, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { startServer } from '../support/server.ts';

const RECORDS = 'application.onPublish = (client, stream) => void stream.record();';

test('a second server with the same root folder does not start, and leaves what the first has under way alone', async () => {
  await using server = await startServer({ applications: { 'rec/main.ts': RECORDS } });
  await using publisher = startFfmpeg(
    publishArgs(await h264Clip(), server.url('rec', 'show'), { loop: true }),
  );
  await server.waitForLog(({ event }) => event === 'record-start');
  await publisher.reached(1);
  const underWay = () => readdirSync(join(server.root, 'run', 'recordings'));
  const before = underWay();
  const runFile = readRunFile(server.runFile)!;
  assert.equal(before.length, 1);

  await assert.rejects(startServer({ root: server.root }), (error: Error) => {
    assert.match(error.message, new RegExp(`another server \\(process ${runFile.pid}\\) uses .*run: `));
    return true;
  });
  assert.deepEqual(underWay(), before);
  assert.deepEqual(readRunFile(server.runFile), runFile);
  await publisher.reached(2);
  assert.deepEqual(
    server.log.filter(({ level }) => level === 'warn' || level === 'error'),
    [],
  );
});
