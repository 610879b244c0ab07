import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FetchRules } from '../../../src/script/services/fetch/rules.ts';

function rules(hosts: string, ...privateAddresses: string[]): FetchRules {
  return new FetchRules({
    hosts: hosts.split(' '),
    privateAddresses: privateAddresses.map((item) => {
      const [address = '', prefix] = item.split('/');
      return { address, prefix: Number(prefix ?? (address.includes(':') ? 128 : 32)) };
    }),
  });
}
const allows = (some: FetchRules, url: string) => some.problemWithUrl(new URL(url)) === undefined;

describe('what a script may fetch', () => {
  test('is what is named, at the ports of the Web unless another is named', () => {
    const some = rules('api.example.com *.cdn.example.com:8443 any.example.com:*');
    const allowed = [
      'http://api.example.com/x',
      'https://API.example.com./',
      'https://a.cdn.example.com:8443/',
      'https://a.b.cdn.example.com:8443/',
      'http://any.example.com:1/',
      'http://any.example.com/',
    ];
    for (const url of allowed) assert.equal(allows(some, url), true, url);
    const refused = [
      'http://api.example.com:8080/',
      'https://cdn.example.com:8443/',
      'https://a.cdn.example.com/',
      'https://evilcdn.example.com:8443/',
      'https://example.com/',
      'https://api.example.com.evil.org/',
      'ftp://api.example.com/',
      'file:///etc/passwd',
      'data:text/plain,x',
    ];
    for (const url of refused) assert.equal(allows(some, url), false, url);
    assert.match(some.problemWithUrl(new URL('https://b.org'))!, /b\.org is not granted.*<Hosts>/);
  });

  test('is no private address by way of *, however it is written', () => {
    const any = rules('*:*');
    const refused = [
      ...[
        '127.0.0.1',
        '0x7f.1',
        '2130706433',
        '10.1.2.3',
        '192.168.0.1',
        '169.254.169.254',
        '0.0.0.0',
        '100.64.0.1',
      ],
      ...[
        '[::1]',
        '[::]',
        '[::ffff:127.0.0.1]',
        '[::ffff:10.0.0.1]',
        '[fe80::1]',
        '[fd00::1]',
        '[64:ff9b::7f00:1]',
      ],
      ...['[2002:7f00:1::]', '[2001:db8::1]', '224.0.0.1', '255.255.255.255'],
    ];
    for (const host of refused) assert.equal(allows(any, `http://${host}/`), false, host);
    for (const host of ['93.184.216.34', '[2606:2800:220:1::1]', 'example.com']) {
      assert.equal(allows(any, `http://${host}/`), true, host);
    }
  });

  test('is a private address that is named itself, or that is listed', () => {
    const some = rules('127.0.0.1:9000 [::1] *:8080', '10.1.0.0/16', 'fd00::/8');
    assert.equal(allows(some, 'http://127.0.0.1:9000/'), true);
    assert.equal(allows(some, 'http://[0:0:0:0:0:0:0:1]/'), true);
    assert.equal(allows(some, 'http://10.1.2.3:8080/'), true);
    assert.equal(allows(some, 'http://[fd00::7]:8080/'), true);
    assert.equal(allows(some, 'http://10.2.2.3:8080/'), false);
    assert.equal(some.problemWithAddress('10.1.9.9'), undefined);
    assert.match(some.problemWithAddress('127.0.0.1')!, /private address.*<PrivateAddresses>/);
    assert.equal(some.problemWithAddress('::ffff:10.1.0.1'), undefined);
  });

  test('is nothing when nothing is named', () => {
    assert.equal(allows(new FetchRules({ hosts: [], privateAddresses: [] }), 'http://example.com'), false);
  });
});
