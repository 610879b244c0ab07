import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Turns } from '../../../src/application/pace/turns.ts';
import { Core, until } from '../../support/core.ts';

/** Turns follow each other by themselves, or not before the test says so. */
class HeldTurns {
  isHeld = false;
  #soon: (() => void)[] = [];
  readonly turns = new Turns({
    now: () => 0,
    soon: (call) => {
      if (this.isHeld) this.#soon.push(call);
      else setImmediate(call);
      return () => {};
    },
  });

  /** This one is used up. */
  use(): void {
    this.isHeld = true;
    this.turns.left(1_000, this.turns.entered());
  }
  goOn(): void {
    this.isHeld = false;
    for (const call of this.#soon.splice(0)) call();
  }
}

test('what connections had begun ends in a turn in which there is time for it, and with it what they held', async () => {
  const held = new HeldTurns();
  await using core = await Core.start({ scripted: false, session: { turns: held.turns } });
  const peer = await core.peer();
  await peer.publish('live', 'cam');
  const instance = [...core.registry.instances][0]!;
  held.use();
  peer.socket.destroy();
  await once(peer.socket, 'close');
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(instance.streams.isOnAir('cam'), 'it ended at once');
  held.goOn();
  await until('its end', () => !instance.streams.isOnAir('cam'));
  assert.equal(core.log.filter(({ event }) => event === 'disconnect').length, 1);
});
