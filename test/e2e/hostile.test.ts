// Scripts that do their worst, each beside a live stream and a neighbour who must not notice: the most important ones.
// `npm run test:hostile` runs all that we know, and looks at the clock as well.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API_ATTACKS } from '../hostile/api.ts';
import { BOMBS } from '../hostile/bombs.ts';
import { SCRIPTS } from '../hostile/scripts.ts';
import { Stage } from '../hostile/stage.ts';

const NAMES = [
  'a loop in a handler',
  'a recursion that catches its own end',
  'a proxy left as a rejection', // its thread has to be given up, and the process with it
  'matches', // ends the process
  'keys of an object', // ends the isolate in a way that costs the process
  'typed arrays',
  'primitives of the language patched',
  'every door that Node might have left open',
  'log lines without end',
  'calls to everybody',
  'a script that is saved all the time, and never loads',
];

test('hostile scripts: the stream has no gap, the neighbour is answered', async (t) => {
  await using stage = await Stage.open();
  const all = [...SCRIPTS, ...BOMBS, ...API_ATTACKS];
  for (const name of NAMES) {
    await t.test(name, async () => {
      const attack = all.find((known) => known.name === name);
      assert.ok(attack, `there is no attack ${name}`);
      const { framesMissing, fate } = await stage.perform(attack); // rejects if the neighbour is not let in
      assert.equal(framesMissing, 0);
      if (attack.isHonest) assert.equal(fate, '_result');
    });
  }
});
