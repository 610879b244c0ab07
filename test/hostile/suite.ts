// `npm run test:hostile [-- PART OF A NAME]`: every script that we know to mean harm, one after another, against one server.
//
// Time is asserted here, as nowhere else. A case that is late is tried again, for the machine may have been; if it has so much
// else to do that timers are late without any attack, only what the server itself computes in one go is judged. One that
// loses a frame or a neighbour is not tried again.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { API_ATTACKS } from './api.ts';
import { BOMBS } from './bombs.ts';
import { SCRIPTS } from './scripts.ts';
import { type Attack, GATE_DEADLINE_MS, type Report, Stage } from './stage.ts';

const MAX_LAG_MS = 50;
/** Later than that without any attack: it is the machine. */
const CALM_MS = 20;
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
        assert.ok(report.busyMs <= MAX_LAG_MS, `the server was busy for ${report.busyMs.toFixed(0)} ms`);
        if (report.lateMs <= MAX_LAG_MS) return;
        const { lateMs } = await stage.calm(2000);
        if (lateMs <= CALM_MS) assert.fail(`the event loop was ${report.lateMs.toFixed(0)} ms late`);
        t.diagnostic(`the machine has other things to do: ${lateMs.toFixed(0)} ms late without an attack`);
      });
    }
  });
}

test('the server uses no more memory than before', async (t) => {
  const afterMb = await stage.usedMb();
  t.diagnostic(`${usedMb.toFixed(0)} MB, then ${afterMb.toFixed(0)} MB`);
  assert.ok(afterMb - usedMb <= MAX_GROWTH_MB);
});

async function perform(attack: Attack): Promise<Report> {
  for (let attempt = 1; ; attempt += 1) {
    const report = await stage.perform(attack);
    assert.equal(report.framesMissing, 0, 'frames of the stream are missing');
    assert.ok(report.neighbourMs < GATE_DEADLINE_MS, `next door it took ${report.neighbourMs.toFixed(0)} ms`);
    const isPrompt = report.lateMs <= MAX_LAG_MS && report.busyMs <= MAX_LAG_MS;
    if (isPrompt || attempt === TRIES) return report;
  }
}

function summary({ fate, lateMs, busyMs, neighbourMs, runnersStarted }: Report): string {
  const lost = runnersStarted === 0 ? '' : `, ${runnersStarted} new runner`;
  const times = `${lateMs.toFixed(0)} ms late, ${busyMs.toFixed(0)} ms busy, next door ${neighbourMs.toFixed(0)} ms`;
  return `${fate}; ${times}${lost}`;
}
