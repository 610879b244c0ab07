// Values that nobody expects where they stand.
import {
  type AmfValue,
  Dictionary,
  EcmaArray,
  emptyObject,
  TypedObject,
  Vector,
  XmlDocument,
} from '../../src/protocol/amf/amf.ts';
import type { Choices } from './choices.ts';

const ODD: readonly (() => AmfValue)[] = [
  () => undefined,
  () => null,
  () => true,
  () => false,
  () => 0,
  () => 1,
  () => 2,
  () => -1,
  () => -2000,
  () => Number.NaN,
  () => Infinity,
  () => 1e300,
  () => 0.5,
  () => '',
  () => 'a',
  () => 'live',
  () => 'record',
  () => '\u0000\ud800',
  () => 'n'.repeat(2000),
  () => emptyObject(),
  () => ({ toString: 'x', valueOf: 1 }),
  () => [],
  () => [emptyObject(), [undefined]],
  () => new Date(Number.NaN),
  () => new EcmaArray({ 0: 1, length: 5 }, [2]),
  () => new TypedObject('a.B', { x: 1 }),
  () => new XmlDocument('<a/>'),
  () => Uint8Array.of(1, 2, 3),
  () => new Vector('object', [emptyObject()]),
  () => new Dictionary([[emptyObject(), 1]]),
  cycle,
  deep,
];

export function oddValue(choices: Choices): AmfValue {
  return choices.pick(ODD)();
}

function cycle(): AmfValue {
  const object = emptyObject();
  object.self = object;
  return object;
}

/** As deep as may be sent; what wraps it goes too far. */
function deep(): AmfValue {
  let value: AmfValue = 'bottom';
  for (let i = 0; i < 63; i += 1) value = [value];
  return value;
}
