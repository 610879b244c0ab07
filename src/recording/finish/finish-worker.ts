// The thread that makes recordings whole, one after the other: long files take their time, the media do not wait.
import { closeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { RecordingError } from '../../errors.ts';
import { RecordedContainer } from '../read/growing.ts';
import type { FinishedFile, FromFinisher, ToFinisher } from './finisher.ts';
import { repairFlv } from './flv-repair.ts';
import { cutFlv } from './flv-scan.ts';
import type { FoundEnd } from './found-end.ts';
import { finishMp4 } from './mp4-finish.ts';
import { cutMp4 } from './mp4-scan.ts';
import { openToChange } from './open-file.ts';

parentPort!.on('message', (message: ToFinisher) => {
  const { id } = message;
  let answer: FromFinisher;
  try {
    answer = { id, ok: true, found: answerTo(message) };
  } catch (error) {
    const code = error instanceof RecordingError ? error.code : undefined;
    answer = { id, ok: false, message: (error as Error).message, code };
  }
  parentPort!.postMessage(answer);
});

function answerTo(message: ToFinisher): FinishedFile | FoundEnd | undefined {
  switch (message.what) {
    case 'flv':
      return repairFlv(message.path);
    case 'mp4':
    case 'mp4Fragments':
      return finishMp4(message.path, message.what === 'mp4');
    case 'findEnd':
      return endOf(message.path, message.container);
  }
}

function endOf(path: string, container: RecordedContainer): FoundEnd | undefined {
  const fd = openToChange(path);
  try {
    return container === RecordedContainer.Flv ? cutFlv(fd) : cutMp4(fd);
  } finally {
    closeSync(fd);
  }
}
