import { assert, test, testApp } from 'understudy/test';

const names = ['Ann', 'Bob'];
const room = async () => {
  const app = await testApp('chat');
  const [ann, bob] = [await app.connect({ args: ['Ann'] }), await app.connect({ args: ['Bob'] })];
  return { app, ann, bob };
};

test('who comes in is welcomed, and the others hear of it', async () => {
  const { ann, bob } = await room();
  assert.deepEqual(await bob.next('welcome'), [names]);
  assert.deepEqual(await ann.next('joined'), ['Bob']);
  assert.deepEqual(await ann.call('who'), names);
});

test('what is said all hear', async () => {
  const { app, ann, bob } = await room();
  assert.equal(await ann.call('say', 'hello'), true);
  for (const client of [ann, bob]) assert.deepEqual(await client.next('said'), ['Ann', 'hello']);
  assert.deepEqual(app.logs, ['Ann: hello']);
});

test('a name is taken once, and there is no chatting without', async () => {
  const { app, bob, ann } = await room();
  const second = await app.connect({ args: ['Ann'] });
  assert.deepEqual(second.refusal?.application, { message: 'Ann is here already' });
  assert.deepEqual((await app.connect()).refusal?.application, { message: 'say who you are' });
  await ann.disconnect();
  assert.deepEqual(await bob.next('left'), ['Ann']);
  assert.equal((await app.connect({ args: ['Ann'] })).accepted, true);
});

test('rooms do not hear each other', async () => {
  const { app, ann } = await room();
  const eve = await app.connect({ args: ['Eve'], instance: 'kitchen' });
  await eve.call('say', 'anybody here?');
  assert.deepEqual(await eve.call('who'), ['Eve']);
  assert.equal(
    ann.received.some(({ name }) => name === 'said'),
    false,
  );
});
