import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Dictionary,
  EcmaArray,
  membersOf,
  TypedObject,
  Vector,
  XmlDocument,
} from '../../../src/protocol/amf/amf.ts';

test('objects, associative arrays and typed objects have members', () => {
  const members = { app: 'live' };
  assert.equal(membersOf(members), members);
  assert.equal(membersOf(new EcmaArray(members)), members);
  assert.equal(membersOf(new TypedObject('a.B', members)), members);
});

test('nothing else has', () => {
  const others = [
    undefined,
    null,
    true,
    1,
    'live',
    new Date(0),
    Uint8Array.of(1),
    ['live'],
    new XmlDocument('<a/>'),
    new Vector('int', [1]),
    new Dictionary(),
  ];
  for (const other of others) assert.equal(membersOf(other), undefined);
});
