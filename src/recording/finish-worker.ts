// The thread that makes recordings whole, one after the other: long files take their time, the media do not wait.
import { parentPort } from 'node:worker_threads';
import type { FromFinisher, ToFinisher } from './finisher.ts';
import { repairFlv } from './flv-repair.ts';
import { finishMp4 } from './mp4-finish.ts';

parentPort!.on('message', ({ id, path, what }: ToFinisher) => {
  let answer: FromFinisher;
  try {
    const finished = what === 'flv' ? repairFlv(path) : finishMp4(path, what === 'mp4');
    answer = { id, ok: true, finished };
  } catch (error) {
    answer = { id, ok: false, message: (error as Error).message };
  }
  parentPort!.postMessage(answer);
});
