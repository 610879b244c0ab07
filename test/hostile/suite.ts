// `npm run test:hostile [-- PART OF A NAME]`: every script that we know to mean harm, one after another, against one server.
//
// Time is asserted here, as nowhere else: run it on a machine that has nothing else to do. A case that is late is tried
// again, for the machine may have been; one that loses a frame or a neighbour is not.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { API_ATTACKS } from './api.ts';
import { BOMBS } from './bombs.ts';
import { SCRIPTS } from './scripts.ts';
import { type Attack, GATE_DEADLINE_MS, type Report, Stage } from './stage.ts';

const MAX_LAG_MS = 50;
const TRIES = 3;
/** What the server may have in use more than before, when all is over: files of scripts that it has seen, statistics. */
const MAX_GROWTH_MB = 32;

const wanted = process.env.HOSTILE ?? '';
let stage: Stage;
let usedMb: number;
before(async () => {
  stage = await Stage.open();
  usedMb = await stage.usedMb();
});
after(() => stage[Symbol.asyncDispose]());

for (const [title, attacks] of [
  ['hostile scripts', SCRIPTS],
  ['memory bombs', BOMBS],
  ['attacks through the API', API_ATTACKS],
] as const) {
  describe(title, () => {
    for (const attack of attacks.filter(({ name }) => name.includes(wanted))) {
      test(attack.name, async (t) => {
        const report = await perform(attack);
        t.diagnostic(summary(report));
        if (attack.isHonest) assert.equal(report.fate, '_result');
        assert.ok(report.lagMs <= MAX_LAG_MS, `the event loop was ${report.lagMs.toFixed(0)} ms late`);
      });
    }
  });
}

test('the server is as large as before', async (t) => {
  const afterMb = await stage.usedMb();
  t.diagnostic(`${usedMb.toFixed(0)} MB, then ${afterMb.toFixed(0)} MB`);
  assert.ok(afterMb - usedMb <= MAX_GROWTH_MB);
});

async function perform(attack: Attack): Promise<Report> {
  for (let attempt = 1; ; attempt += 1) {
    const report = await stage.perform(attack);
    assert.equal(report.framesMissing, 0, 'frames of the stream are missing');
    assert.ok(report.neighbourMs < GATE_DEADLINE_MS, `next door it took ${report.neighbourMs.toFixed(0)} ms`);
    if (report.lagMs <= MAX_LAG_MS || attempt === TRIES) return report;
  }
}

function summary({ fate, lagMs, neighbourMs, runnersStarted }: Report): string {
  const lost = runnersStarted === 0 ? '' : `, ${runnersStarted} new runner`;
  const times = `event loop ${lagMs.toFixed(0)} ms late, next door ${neighbourMs.toFixed(0)} ms`;
  return `${fate}; ${times}${lost}`;
}
