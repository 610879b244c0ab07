// A part of `npm run long`: every script that we know to mean harm, one after another, against one server; then every attack from
// outside. Nothing here looks at a clock, so a busy machine fails nothing: no frame of the stream is missing, the neighbour is let in,
// memory stays in bounds, the log has no bug.
// `npm run test:hostile` judges the times as well, on a machine that has nothing else to do.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { API_ATTACKS } from './api.ts';
import { BOMBS } from './bombs.ts';
import { SCRIPTS } from './scripts.ts';
import { sieges } from './sieges.ts';
import { LONG, MAX_GROWTH_MB, MAX_SIEGE_MB, Stage } from './stage.ts';

let stage: Stage;
let usedMb: number;
before(async () => {
  RtmpPeer.patienceMs = 120_000;
  stage = await Stage.open(LONG);
  usedMb = await stage.usedMb();
});
after(() => stage[Symbol.asyncDispose]());

for (const [title, attacks] of [
  ['hostile scripts', SCRIPTS],
  ['memory bombs', BOMBS],
  ['attacks through the API', API_ATTACKS],
] as const) {
  describe(title, () => {
    for (const attack of attacks) {
      test(attack.name, async (t) => {
        const { fate, framesMissing, runnersStarted } = await stage.perform(attack); // rejects if the neighbour is not let in
        t.diagnostic(runnersStarted === 0 ? fate : `${fate}, ${runnersStarted} new runner`);
        assert.equal(framesMissing, 0, 'frames of the stream are missing');
        if (attack.isHonest) assert.equal(fate, '_result');
      });
    }
  });
}

test('the server uses no more memory than before', async (t) => {
  const afterMb = await stage.usedMb();
  t.diagnostic(`${usedMb.toFixed(0)} MB, then ${afterMb.toFixed(0)} MB`);
  assert.ok(afterMb - usedMb <= MAX_GROWTH_MB);
});

for (const { title, server, attacks } of await sieges()) {
  describe(title, () => {
    let besieged: Stage;
    before(async () => {
      besieged = await Stage.open(LONG, server);
    });
    after(() => besieged[Symbol.asyncDispose]());
    for (const attack of attacks) {
      test(attack.name, async (t) => {
        const { framesMissing, grownMb, bugs, busyMs } = await besieged.besiege(attack);
        t.diagnostic(`${busyMs.toFixed(0)} ms busy, ${grownMb.toFixed(0)} MB more`);
        assert.equal(framesMissing, 0, 'frames of the stream are missing');
        assert.equal(bugs, 0, 'the log has a bug');
        const { maxMb = MAX_SIEGE_MB } = attack;
        assert.ok(grownMb <= maxMb, `the server took ${grownMb.toFixed(0)} MB more: at most ${maxMb}`);
      });
    }
  });
}
