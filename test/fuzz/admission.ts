// Targets: what is read of a login, of the files of users and domains, and of the addresses of pages. All of it is about who
// may come in, so what goes wrong must end outside.
import { Logins, type LoginVerdict } from '../../src/adaptor/rtmp/logins.ts';
import type { LoginPolicy } from '../../src/application/admission/login.ts';
import { isPublisherName, parsePublishers } from '../../src/config/publishers.ts';
import { AUTH_MODES } from '../../src/protocol/rtmp/publisher-auth.ts';
import { decodeSwfProof, digestSwf, provesSwf } from '../../src/protocol/rtmp/swf.ts';
import { allowsDomain, hostOf, parseDomainList } from '../../src/storage/domain-lists.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { check, refused, type Target } from './target.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const ATTEMPT = { app: 'live', agent: 'FMLE/3.0', ip: '192.0.2.1' };

const login: Target = {
  name: 'login',
  seeds: [
    'authmod=adobe&user=ann',
    'authmod=adobe&user=ann&challenge=cc&response=KGpEG9SCJRZAPrNJoewV6w==&opaque=OPAQUE',
    'authmod=llnw&user=ann&nonce=OPAQUE&cnonce=cc&nc=00000001&response=4f1119d199416456d2253a24e0b3e20e',
    '?authmod=adobe&user=%00%ff&response=%zz&user=\ud800',
  ].map(utf8),
  maxBytes: 2000,
  run(input) {
    for (const mode of AUTH_MODES) {
      const logins = new Logins(new ManualClock());
      const policy: LoginPolicy = {
        mode,
        of: 'everybody',
        agents: [],
        scope: 'live',
        secretsOf: (_user, found) => found([{ kind: 'plain', password: 'a password that no input has' }]),
      };
      const verdicts: LoginVerdict[] = [];
      const judge = (query: string) =>
        logins.judge(
          policy,
          { ...ATTEMPT, query },
          () => {},
          (verdict) => verdicts.push(verdict),
        );
      judge(`authmod=${mode}&user=ann`);
      const [first] = verdicts;
      check(first?.isAdmitted === false, 'no challenge');
      const challenge = /(?:opaque|nonce)=([\w-]+)$/.exec(first.description)?.[1] ?? '';
      judge(textOf(input).replaceAll('OPAQUE', challenge));
      check(verdicts.length === 2, `${verdicts.length} verdicts`);
      const verdict = verdicts[1]!;
      check(!verdict.isAdmitted, `admitted by ${textOf(input)}`);
      check(/^[\x20-\x7e]*$/.test(verdict.description), JSON.stringify(verdict.description));
    }
  },
};

const publishers: Target = {
  name: 'publishers',
  seeds: [
    '# x\nann:plain:a:b\r\npub:adobe:Xq3s:nH/wwoMvUqlOwjMLFsch0w==\npub:llnw:4c3de86fdb859cfc8f76c1c0827ffb6f\n',
    'ann:plain:\n:plain:x\nann:adobe:s\n',
  ].map(utf8),
  maxBytes: 4000,
  run(input) {
    const { users } = parsePublishers(textOf(input));
    for (const [name, entries] of users) {
      check(isPublisherName(name), `a user ${JSON.stringify(name)}`);
      for (const entry of entries) {
        const secret = entry.kind === 'plain' ? entry.password : entry.hash;
        check(secret !== '', `${name} comes in without a password`);
      }
    }
  },
};

const domains: Target = {
  name: 'domains',
  seeds: ['example.com\n# x\ncdn.net', 'http://evil.org\\@example.com/', 'https://example.com.:80/', '*'].map(
    utf8,
  ),
  maxBytes: 4000,
  run(input) {
    const text = textOf(input);
    const { list } = parseDomainList(text);
    const host = hostOf(text);
    check(host === undefined || /^https?:\/\//i.test(text), `${host} of ${JSON.stringify(text)}`);
    const { list: ours } = parseDomainList('example.com');
    const isOurs = host === 'example.com' || host?.endsWith('.example.com') === true;
    check(allowsDomain(ours, host) === isOurs, `${host} of ${JSON.stringify(text)}`);
    check(list.allowsAll || !allowsDomain(list, undefined), 'no address of the web is allowed');
  },
};

const SWF = digestSwf(utf8('FWS\u0009\u000c\u0000\u0000\u0000abcd'));

const swfProof: Target = {
  name: 'swf-proof',
  seeds: [Uint8Array.of(1, 1, 0, 0, 0, 12, 0, 0, 0, 12, ...SWF.hash)],
  maxBytes: 64,
  run(input) {
    refused(() => {
      const tail = new Uint8Array(32).fill(7);
      check(!provesSwf(decodeSwfProof(input), SWF, tail), 'proven without the SWF');
    });
  },
};

export const admissionTargets: readonly Target[] = [login, publishers, domains, swfProof];
