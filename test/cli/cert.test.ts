import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { selfSigned } from '../../src/cli/self-signed.ts';
import { understudy } from './support.ts';

const root = mkdtempSync(join(tmpdir(), 'understudy-cert-'));
after(() => rmSync(root, { recursive: true, force: true }));
const folder = join(root, 'conf', '_defaultRoot_');
const files = [join(folder, 'cert.pem'), join(folder, 'key.pem')] as const;

test('cert writes a certificate for the names it is given, a key that only its owner may read, and says where to name them', async () => {
  const { exitCode, printed } = await understudy(
    'cert',
    '--root',
    root,
    'tv.example.com',
    '10.1.2.3',
    '2001:db8::a:7',
  );
  assert.equal(exitCode, 0);
  for (const words of [
    '<SSLCertificateFile>cert.pem<',
    '<SSLCertificateKeyFile type="PEM">key.pem<',
    ':1935,-443',
  ]) {
    assert.ok(printed.join('\n').includes(words), words);
  }
  const certificate = new X509Certificate(readFileSync(files[0]));
  assert.equal(certificate.checkHost('tv.example.com'), 'tv.example.com');
  assert.equal(certificate.checkIP('10.1.2.3'), '10.1.2.3');
  assert.equal(certificate.checkIP('2001:db8::a:7'), '2001:db8::a:7');
  assert.equal(certificate.checkHost('other.example.com'), undefined);
  assert.equal(certificate.checkPrivateKey(createPrivateKey(readFileSync(files[1]))), true);
  assert.equal(statSync(files[1]).mode & 0o777, 0o600);
});

test('cert replaces no certificate and no key', async () => {
  const before = files.map((file) => readFileSync(file, 'utf8'));
  const again = await understudy('cert', '--root', root);
  assert.equal(again.exitCode, 1);
  assert.match(again.errors[0]!, /cert\.pem exists already/);
  rmSync(files[0]);
  const keyOnly = await understudy('cert', '--root', root);
  assert.equal(keyOnly.exitCode, 1);
  assert.equal(existsSync(files[0]), false);
  assert.equal(readFileSync(files[1], 'utf8'), before[1]);
  writeFileSync(files[0], before[0]!);
});

for (const name of ['a b', '-x', '1.2.3', 'fe80::1%eth0', 'a..b', '<x>', 'ü.example']) {
  test(`"${name}" is no name for a certificate`, async () => {
    const { exitCode, errors } = await understudy('cert', '--root', root, '--', name);
    assert.equal(exitCode, 2);
    assert.match(errors[0]!, /^understudy: cert: /);
  });
}

test('a certificate begins now, ends after 397 days, and verifies itself', () => {
  const now = new Date('2027-02-03T04:05:06.789Z');
  const { certificate, validTo } = selfSigned(['localhost'], now);
  const read = new X509Certificate(certificate);
  assert.equal(new Date(read.validFrom).toISOString(), '2027-02-03T04:05:06.000Z');
  assert.equal(new Date(read.validTo).toISOString(), '2028-03-06T04:05:06.000Z');
  assert.equal(validTo.toISOString(), '2028-03-06T04:05:06.789Z');
  assert.equal(read.verify(read.publicKey), true);
  assert.equal(read.ca, false);
});

test('a certificate holds many names, and long ones', () => {
  const long = `${Array(4).fill('a'.repeat(62)).join('.')}.b`;
  const names = Array.from({ length: 99 }, (_, i) => `host-${i}.example.com`);
  const read = new X509Certificate(selfSigned([long, ...names], new Date()).certificate);
  for (const name of [long, ...names]) assert.equal(read.checkHost(name), name);
  assert.equal(new X509Certificate(selfSigned([long], new Date()).certificate).subject, 'CN=understudy');
});
