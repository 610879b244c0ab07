// What a script gets of a value, as its isolate parses it.
import type { AmfValue } from '../../src/protocol/amf/amf.ts';
import { toWire } from '../../src/script/wire/wire-text.ts';

export function wireOf(value: AmfValue): unknown {
  return JSON.parse(`${toWire(value).json}`);
}
