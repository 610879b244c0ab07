// What is recorded, and files of it: asked of the media side, which has the disk.
import type { Json } from '../../wire/wire.ts';
import { ask } from '../core/ask.ts';
import { plainJson } from '../core/outbox.ts';
import { promiseThen } from '../core/primordials.ts';
import { report, tellInfo } from '../core/report.ts';

async function info(name: unknown): Promise<{ duration: number; bytes: number }> {
  const answer = await ask('recordings', plainJson({ op: 'info', stream: nameOf(name) })).answer;
  return answer as { duration: number; bytes: number };
}

export async function lengthOf(name: unknown): Promise<number> {
  return (await info(name)).duration;
}

export async function sizeOf(name: unknown): Promise<number> {
  return (await info(name)).bytes;
}

export async function flushRecorded(name: string): Promise<boolean> {
  return isTrue(await ask('recordings', plainJson({ op: 'flush', stream: name })).answer);
}

/** Its result is a status as well, as FMS had it. */
export async function clearRecorded(name: string, stream: object): Promise<boolean> {
  const isCleared = isTrue(await ask('recordingChanges', plainJson({ op: 'clear', stream: name })).answer);
  const status = {
    code: isCleared ? 'NetStream.Clear.Success' : 'NetStream.Clear.Failed',
    level: isCleared ? 'status' : 'error',
    details: name,
  };
  tellInfo(status, stream);
  return isCleared;
}

export function mapFolder(virtualPath: unknown, directory: unknown): boolean {
  if (typeof virtualPath !== 'string') return false;
  const folder = directory === undefined || directory === null ? '' : `${directory}`;
  const request = plainJson({ op: 'map', prefix: virtualPath, folder });
  promiseThen(
    ask('recordingChanges', request).answer,
    (isMapped) => {
      if (isMapped !== true) report('handler', 'setVirtualPath', refused(virtualPath, folder));
    },
    (error) => report('handler', 'setVirtualPath', error),
  );
  return true;
}

function refused(virtualPath: string, folder: string): Error {
  return new TypeError(
    `${virtualPath} cannot be mapped to ${folder}: folders are below those of this application`,
  );
}

function nameOf(name: unknown): string {
  if (typeof name === 'string' && name !== '') return name;
  throw new TypeError('the name of a stream is wanted');
}

function isTrue(answer: Json): boolean {
  return answer === true;
}
