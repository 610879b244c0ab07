import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ToldFaults } from '../../../src/script/runner/told-faults.ts';

test('of several faults before the next turn one is told', () => {
  const faults = new ToldFaults();
  assert.ok(faults.admit());
  assert.ok(!faults.admit());
});

test('a fault in the turn that tells of one is not told; one in the turn after it is', () => {
  const faults = new ToldFaults();
  faults.admit();
  faults.turnBegins();
  assert.ok(!faults.admit());
  faults.turnBegins();
  assert.ok(faults.admit());
});
