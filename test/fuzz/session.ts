// Target: sessions and what lies behind them, in conversations that nobody would lead. An input is a list of steps, one
// byte each, and of what each step wants to know.
import { Choices } from './choices.ts';
import { open, STEPS } from './session-steps.ts';
import type { Target } from './target.ts';
import { World } from './world.ts';

async function run(input: Uint8Array): Promise<void> {
  const choices = new Choices(input);
  const world = new World(choices);
  open(world, choices);
  while (!choices.isOver) {
    const step = STEPS[choices.u8()];
    if (step) await step(world, world.somebody(), choices);
    // else and now and then: what happens next happens in the same breath
    if (step && !choices.oneIn(4)) await world.settle();
  }
  await world.settle();
  await world.end();
}

export const sessionTarget: Target = {
  name: 'session',
  seeds: [],
  maxBytes: 1500,
  weight: 8,
  generate: (random) => random.bytes(20 + random.below(random.oneIn(4) ? 1000 : 200)),
  run,
};
