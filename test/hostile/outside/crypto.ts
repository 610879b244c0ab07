// Authors of scripts whose crypto.subtle computes without end, in many instances, beside an application that checks a hash at its gate.
import assert from 'node:assert/strict';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import type { OutsideAttack, Siege } from '../stage.ts';

const VICTIM = `application.onConnect = async () => {
  await crypto.subtle.digest('SHA-256', new Uint8Array(10));
  return true;
};`;

const flood = (call: string, calls = 40) => `application.onConnect = () => true;
Client.prototype.go = async () => { for (let i = 0; i < ${calls}; i++) (async () => ${call})().catch(() => {}); return 1; };`;

const passwordKey = (usage: string) =>
  `await crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['${usage}'])`;
const PBKDF2 = `{ name: 'PBKDF2', hash: 'SHA-512', salt: new Uint8Array(8), iterations: 1000000 }`;

const FLOODS: Readonly<Record<string, string>> = {
  keys: flood(`crypto.subtle.generateKey({ name: 'RSA-PSS', modulusLength: 4096, publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256' }, true, ['sign', 'verify'])`),
  bits: flood(`crypto.subtle.deriveBits(${PBKDF2}, ${passwordKey('deriveBits')}, 65536)`, 8),
  length: flood(
    `crypto.subtle.deriveKey(${PBKDF2}, ${passwordKey('deriveKey')}, { name: 'HMAC', hash: 'SHA-256', length: 1 << 19 }, true, ['sign'])`,
    8,
  ),
  iterations: flood(`crypto.subtle.deriveBits(${PBKDF2}, ${passwordKey('deriveBits')}, 512)`),
  digests: flood(`crypto.subtle.digest('SHA-512', new Uint8Array(500000))`),
};

function attackWith(application: string, name: string): OutsideAttack {
  return {
    name,
    async run({ server }) {
      const peers: RtmpPeer[] = [];
      try {
        for (let i = 0; i < 6; i += 1) {
          const peer = await RtmpPeer.open(server.port);
          peers.push(peer);
          await peer.connect(`${application}/${i}`);
          await peer.call('go');
        }
        for (let i = 0; i < 3; i += 1) {
          await using victim = await RtmpPeer.open(server.port);
          assert.equal((await victim.connect('victim')).name, '_result');
        }
      } finally {
        for (const peer of peers) await peer[Symbol.asyncDispose]();
      }
    },
  };
}

export const SIEGE: Siege = {
  title: 'crypto.subtle without end',
  server: {
    applications: {
      'victim/main.js': VICTIM,
      ...Object.fromEntries(Object.entries(FLOODS).map(([name, script]) => [`${name}/main.js`, script])),
    },
  },
  attacks: [
    attackWith(
      'keys',
      'RSA keys of 4096 bits made in six instances, and a neighbour whose gate waits for a digest',
    ),
    attackWith('bits', '65,536 bits derived with a million iterations each'),
    attackWith('length', 'an HMAC key of half a million bits derived with a million iterations'),
    attackWith('iterations', 'passwords hashed with a million iterations, without end'),
    attackWith('digests', 'large digests without end'),
  ],
};
