import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasOrigin } from '../../../src/application/admission/origin.ts';
import { isExempt } from '../../../src/application/admission/swf.ts';

test('programs whose versions lie within an exception are not asked', () => {
  const policy = {
    exceptions: [
      { from: 'FMLE/0.0', to: 'FMLE/3.0' },
      { from: 'WIN 6,0,0,0', to: 'WIN 7,0,55,0' },
    ],
  };
  const cases: [agent: string, exempt: boolean][] = [
    ['FMLE/3.0 (compatible; FMSc/1.0)', true],
    ['fmle/2.5', true],
    ['FMLE/3', true],
    ['FMLE/3.1', false],
    ['FME/2.5', false],
    ['WIN 7,0,19,0', true],
    ['WIN 7,0,55,0', true],
    ['WIN 7,0,56,0', false],
    ['WIN 10,0,0,0', false],
    ['MAC 7,0,19,0', false],
    ['', false],
    ['FMLE', false],
  ];
  for (const [agent, exempt] of cases) assert.equal(isExempt(policy, agent), exempt, agent);
});

test('an exception that names two programs, or none, exempts nobody', () => {
  for (const [from, to] of [
    ['FMLE/0.0', 'WIN 9'],
    ['', ''],
    ['FMLE', 'FMLE'],
  ]) {
    assert.equal(isExempt({ exceptions: [{ from: from!, to: to! }] }, 'FMLE/3.0'), false);
  }
});

test('encoders and this machine itself come from no page', () => {
  assert.equal(hasOrigin('LNX 9,0,124,2', '192.0.2.1'), true);
  assert.equal(hasOrigin('LNX 9,0,124,2', '127.0.0.1'), false);
  assert.equal(hasOrigin('LNX 9,0,124,2', '::1'), false);
  assert.equal(hasOrigin('FMLE/3.0 (compatible; FMSc/1.0)', '192.0.2.1'), false);
  assert.equal(hasOrigin('FME/2.5', '192.0.2.1'), false);
});
