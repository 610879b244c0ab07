import assert from 'node:assert/strict';
import { test } from 'node:test';
import { panel } from '../../src/cli/panel.ts';

const listening = (host: string, port: number, secure = false) => ({ kind: 'rtmp', host, port, secure });

test('the panel names each port as a client types it, and explains itself by one without TLS', () => {
  const text = panel(
    [listening('127.0.0.1', 443, true), listening('127.0.0.1', 1935), listening('::1', 8443, true)],
    '/nowhere',
    '.',
  );
  assert.match(text, /on air at rtmps:\/\/127\.0\.0\.1, rtmp:\/\/127\.0\.0\.1, rtmps:\/\/\[::1\]:8443\n/);
  const named = panel([listening('127.0.0.1', 80, true), listening('127.0.0.1', 80)], 'applications', '.');
  assert.match(named, /rtmps:\/\/127\.0\.0\.1:80, rtmp:\/\/127\.0\.0\.1:80\n/);
});

test('both families of one port are said once', () => {
  const text = panel([listening('0.0.0.0', 1935), listening('::', 1935)], '/nowhere', '.');
  assert.equal(text.match(/rtmp:\/\/localhost\b/g)?.length, 1);
});
