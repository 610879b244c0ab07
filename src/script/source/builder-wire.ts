// Frames between the media process and a builder (frames.ts): one build at a time, and its outcome as bytes that the media process
// keeps as they are.

import { encodeBytes } from '../wire/frames.ts';
import type { BuildOutcome, BuildRequest } from './build-outcome.ts';
import { BuildResult } from './build-outcome.ts';
import type { BuildLimits } from './inputs.ts';

export const BuilderFrame = {
  /** `BuildOrder` as JSON. Answered by Built. */
  Build: 1,
  /** `BuilderPids` as JSON: it is ready, or esbuild has another process. */
  Hello: 2,
  /** `encodeOutcome` */
  Built: 3,
} as const;

export interface BuildOrder {
  readonly request: BuildRequest;
  readonly limits: BuildLimits;
}

export interface BuilderPids {
  /** Of all processes that a build may fill. */
  readonly pids: readonly number[];
}

/** A builder is ours; a frame that claims more is a broken one. */
export const MAX_BUILT_BYTES = 256 << 20;
const LENGTHS_BYTES = 8;

export function encodeOrder(order: BuildOrder): Buffer {
  return encodeBytes(BuilderFrame.Build, 0, Buffer.from(JSON.stringify(order)));
}

// Built: | …header | bytes of the JSON u32 BE | bytes of the script u32 BE | JSON without both | script | inline map |
export function encodeOutcome(outcome: BuildOutcome): Buffer {
  const none = Buffer.alloc(0);
  const isBuilt = outcome.result === BuildResult.Built;
  const { script, inlineMap, ...rest } = isBuilt ? outcome.build : { script: none, inlineMap: none };
  const head = Buffer.from(JSON.stringify(isBuilt ? { ...outcome, build: rest } : outcome));
  const lengths = Buffer.alloc(LENGTHS_BYTES);
  lengths.writeUInt32BE(head.length, 0);
  lengths.writeUInt32BE(script.length, 4);
  return encodeBytes(BuilderFrame.Built, 0, Buffer.concat([lengths, head, script, inlineMap ?? none]));
}

export function decodeOutcome(body: Buffer): BuildOutcome {
  const headEnd = LENGTHS_BYTES + body.readUInt32BE(0);
  const scriptEnd = headEnd + body.readUInt32BE(4);
  const outcome = JSON.parse(body.toString('utf8', LENGTHS_BYTES, headEnd)) as BuildOutcome;
  if (outcome.result === BuildResult.Built) {
    outcome.build.script = body.subarray(headEnd, scriptEnd);
    outcome.build.inlineMap = scriptEnd < body.length ? body.subarray(scriptEnd) : undefined;
  }
  return outcome;
}
