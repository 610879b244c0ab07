import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { promptPassword, type SecretInput } from '../../src/cli/password-prompt.ts';

function typing(keys: string) {
  const raw: boolean[] = [];
  const input = new PassThrough();
  const terminal = Object.assign(input, {
    setRawMode: (is: boolean) => {
      raw.push(is);
      return terminal;
    },
  }) as unknown as SecretInput;
  const prompts: string[] = [];
  const password = promptPassword(terminal, (text) => prompts.push(text));
  input.write(keys);
  return { password, prompts, raw };
}

test('the password is what was typed twice, with corrections, and nothing of it is shown', async () => {
  const { password, prompts, raw } = typing('secrez\u007ft ü\rwrong\u0015secret ü\r');
  assert.equal(await password, 'secret ü');
  assert.equal(prompts.join(''), 'Password: \nOnce more: \n');
  assert.deepEqual(raw, [true, false]);
});

test('two that differ change nothing, and the terminal echoes again', async () => {
  const { password, raw } = typing('one\rtwo\r');
  await assert.rejects(password, { code: 'ERR_CLI_PASSWORD', message: /the two passwords differ/ });
  assert.deepEqual(raw, [true, false]);
});

test('Ctrl-C ends the question, and the terminal echoes again', async () => {
  const { password, prompts, raw } = typing('sec\u0003');
  await assert.rejects(password, { code: 'ERR_CLI_PASSWORD' });
  assert.deepEqual(raw, [true, false]);
  assert.equal(prompts.join(''), 'Password: \n', 'what is said next has a line of its own');
});

test('an empty line is no password and is not asked for again', async () => {
  const { password, prompts } = typing('\r');
  assert.equal(await password, '');
  assert.equal(prompts.join(''), 'Password: \n');
});
