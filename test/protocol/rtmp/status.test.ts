import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATUS_LEVELS, statusInfo } from '../../../src/protocol/rtmp/status.ts';

test('a status object begins with level and code, whatever else it carries', () => {
  const info = statusInfo('NetStream.Play.Start', 'Started playing cam1.', {
    details: 'cam1',
    clientid: 'C1',
  });
  assert.deepEqual(Object.entries(info), [
    ['level', 'status'],
    ['code', 'NetStream.Play.Start'],
    ['description', 'Started playing cam1.'],
    ['details', 'cam1'],
    ['clientid', 'C1'],
  ]);
});

test('a status without description has no such member', () => {
  assert.deepEqual(statusInfo('NetStream.Publish.BadName'), {
    level: 'error',
    code: 'NetStream.Publish.BadName',
  });
});

test('every code is one of the four families and says what happened', () => {
  for (const code of Object.keys(STATUS_LEVELS)) {
    assert.match(code, /^(NetConnection|NetStream|SharedObject|Application)(\.[A-Z][A-Za-z]+)+$/);
  }
});

test('what failed is an error and what merely suffers is a warning', () => {
  const codes = Object.entries(STATUS_LEVELS);
  for (const [code, level] of codes) {
    if (/Rejected|InvalidApp|NotFound|BadName|NoAccess|NoReadAccess|NoWriteAccess|Denied/.test(code)) {
      assert.equal(level, 'error', code);
    }
  }
  assert.deepEqual(
    codes.filter(([, level]) => level === 'warning').map(([code]) => code),
    ['NetStream.Play.InsufficientBW', 'Application.Script.Warning', 'Application.Resource.LowMemory'],
  );
});
