import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { type TestContext, test } from 'node:test';
import { Tokens } from '../../../src/admin/tokens.ts';
import { typedId } from '../../../src/application/accounts/typed-id.ts';
import { parseCommand } from '../../../src/cli/args.ts';
import { Core } from '../../support/core.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** Whatever is random from now on begins with what base64url writes as a dash. */
function withDashes(t: TestContext): void {
  const original = crypto.randomBytes;
  const dashed = (size: number) => {
    const bytes = original(size);
    bytes[0] = 0xfb;
    return bytes;
  };
  t.mock.method(crypto, 'randomBytes', dashed as typeof crypto.randomBytes);
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

test('the id of a client never begins with a dash, so that `understudy disconnect ID` takes it for an id', async (t) => {
  withDashes(t);
  await using core = await Core.start();
  await (await core.peer()).connect('live');
  const [id] = core.instance()!.clients.keys();
  const command = parseCommand(['disconnect', id!]);
  assert.ok(command.command === 'disconnect' && command.client === id);
});

test('no token of the administration begins with a dash', (t) => {
  withDashes(t);
  assert.match(new Tokens(new ManualClock()).issue('ann'), /^[^-]/);
});

test('an id has all of its bytes in it', () => {
  assert.equal(typedId(Buffer.of(0xff, 0xfb, 1)), '__sB');
  assert.equal(typedId(Buffer.of(0xfb, 0xff, 0xfe)), 'A__-');
});
