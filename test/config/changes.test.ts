import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pendingText } from '../../src/config/changes.ts';

test('settings that wait for the next start are named by file, each file once', () => {
  assert.equal(pendingText([]), 'conf/ is unchanged since the server started');
  assert.equal(
    pendingText([{ file: 'conf/Server.xml', setting: 'Server/Mask' }]),
    'conf/Server.xml: Server/Mask: takes effect at the next start',
  );
  assert.equal(
    pendingText([
      { file: 'conf/_defaultRoot_/Adaptor.xml', setting: 'SSL/Certificate' },
      { file: 'conf/other/Adaptor.xml', setting: '' },
      { file: 'conf/_defaultRoot_/Adaptor.xml', setting: 'SSL/Key' },
    ]),
    'conf/_defaultRoot_/Adaptor.xml: SSL/Certificate, SSL/Key; conf/other/Adaptor.xml: take effect at the next start',
  );
});
