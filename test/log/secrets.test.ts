import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecretMask } from '../../src/log/secrets.ts';

const mask = new SecretMask();

test('values of parameters that sound secret are masked, however they are written', () => {
  assert.equal(mask.query('user=u&token=t0p&x=1'), 'user=u&token=***&x=1');
  assert.equal(
    mask.query('streamKey=s&PASSWORD=p&%74oken=t&k%65y=v'),
    'streamKey=***&PASSWORD=***&%74oken=***&k%65y=***',
  );
  assert.equal(mask.query('sig=a==&auser=fms&apswd=secret'), 'sig=***&auser=fms&apswd=***');
  assert.equal(mask.query('%zztoken=t'), '%zztoken=***');
  assert.equal(mask.query('start=1;token=t'), 'start=1;token=***');
});

test('the second leg of an encoder that logs in shows its user and nothing else of worth', () => {
  const query = 'authmod=adobe&user=bob&challenge=Cw==&response=Rw==&opaque=Ow==';
  assert.equal(mask.query(query), 'authmod=***&user=bob&challenge=***&response=***&opaque=***');
  assert.equal(mask.query('user=bob?response=Rw=='), 'user=bob?response=***');
});

test('what has no name may be the secret itself', () => {
  assert.equal(mask.query('s3cr3t'), '***');
  assert.equal(mask.query(''), '');
});

test('an address loses its password and its secret parameters', () => {
  assert.equal(mask.uri('rtmp://bob:pw@host/live?token=t#x'), 'rtmp://bob:***@host/live?token=***');
  assert.equal(mask.uri('rtmp://bob:p:w@host:1935/live'), 'rtmp://bob:***@host:1935/live');
  assert.equal(mask.uri('rtmp://host:1935/live'), 'rtmp://host:1935/live');
  assert.equal(mask.uri('rtmp://[::1]:1935/live?a=1'), 'rtmp://[::1]:1935/live?a=1');
});

test('an operator has words of his own besides', () => {
  const own = new SecretMask(['Ausweis']);
  assert.equal(own.query('ausweisNr=1&token=2&lang=de'), 'ausweisNr=***&token=***&lang=de');
});

test('in a text, so does every address and every name with a query', () => {
  const text =
    'fetch of https://ann:pw@host/a?token=t&b=1 failed (rtmp://host/live?key=k): is "show?pass=p" there?';
  assert.equal(
    mask.text(text),
    'fetch of https://ann:***@host/a?token=***&b=1 failed (rtmp://host/live?key=*** is "show?pass=***" there?',
  );
  assert.equal(
    mask.text('TypeError: is it ? or not = at main.ts:1:2'),
    'TypeError: is it ? or not = at main.ts:1:2',
  );
});
