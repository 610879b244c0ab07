import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coloursOf } from '../../src/cli/colours.ts';

test('only a terminal that takes colours is given any', () => {
  const red = (isTTY: boolean | undefined, env: NodeJS.ProcessEnv) =>
    coloursOf({ ...(isTTY && { isTTY }) }, env).red('no');
  const plain = [
    red(undefined, { TERM: 'xterm-256color' }), // a pipe, a file
    red(true, { TERM: 'dumb' }),
    red(true, { TERM: 'xterm', NO_COLOR: '1' }),
  ];
  assert.deepEqual(plain, ['no', 'no', 'no']);
  assert.equal(red(true, { TERM: 'xterm' }), '\u001b[31mno\u001b[39m');
  assert.equal(
    red(true, { TERM: 'xterm', NO_COLOR: '' }),
    '\u001b[31mno\u001b[39m',
    'no-color.org: when it is not empty',
  );
});
