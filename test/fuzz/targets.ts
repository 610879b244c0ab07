import { admissionTargets } from './admission.ts';
import { chunkTargets } from './chunks.ts';
import { clientTargets } from './client.ts';
import { decoderTargets } from './decoders.ts';
import { recordedTargets } from './recorded.ts';
import { scriptTargets } from './scripts.ts';
import { sessionTarget } from './session.ts';
import type { Target } from './target.ts';

export const TARGETS: readonly Target[] = [
  ...decoderTargets,
  ...admissionTargets,
  ...chunkTargets,
  ...clientTargets,
  ...recordedTargets,
  ...scriptTargets,
  sessionTarget,
];
