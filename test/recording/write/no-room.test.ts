import assert from 'node:assert/strict';
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RecordEvents, RecordRequest } from '../../../src/application/contract/recording.ts';
import { LineLimit } from '../../../src/log/line-limit.ts';
import { StreamFolders } from '../../../src/recording/read/folders.ts';
import { FileRecorders } from '../../../src/recording/write/recorder.ts';
import { keepingLog } from '../../support/core.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('a recording for which there is no descriptor is refused, and counts among the limits of the server', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'understudy-no-room-'));
  const clock = new ManualClock();
  const lines = new LineLimit(clock);
  const recorders = new FileRecorders({
    ...{ clock, lines, log: keepingLog().log, runFolder: join(folder.path, 'run') },
    flush: { maxMs: 1_000, maxBytes: 1 << 16 },
    finishesMp4: true,
    hasRoom: () => false,
  });
  const request = { application: 'live', instance: '_definst_', stream: 'cam', mode: 'record' };
  assert.throws(
    () =>
      recorders
        .in(new StreamFolders(folder.path))
        .open(request as unknown as RecordRequest, {} as RecordEvents),
    /Too many files and sockets/,
  );
  assert.equal(lines.limitCounts().find(({ limit }) => limit === 'OpenFiles')?.count, 1);
  await recorders.close();
});
