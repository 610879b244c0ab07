import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeSwfProof,
  digestSwf,
  encodeSwfProof,
  provesSwf,
  signSwf,
} from '../../../src/protocol/rtmp/swf.ts';
import { hex, toHex } from '../../support/hex.ts';

// Computed outside this code base, from the description of the scheme.
const SWF = hex('465753090c00000000010203');
const HASH = '1c896fdedbacbe3cbb297fdd498d79f66677a6c04bdb15b06c0a7b842e908f97';
const S1_TAIL = Uint8Array.from({ length: 32 }, (_, i) => i);
const PROOF = '01010000000c0000000c662518262547d3b0ac012da5fdd11a85c3ca86bbf4303a00f7868d029baeb3b3';

test('hash and proof of the vectors', () => {
  const swf = digestSwf(SWF);
  assert.deepEqual([swf.sizeBytes, toHex(swf.hash)], [12, HASH]);
  const signature = signSwf(swf.hash, S1_TAIL);
  assert.equal(toHex(encodeSwfProof({ version: 1, sizeBytes: 12, signature })), PROOF);
  const proof = decodeSwfProof(hex(PROOF));
  assert.deepEqual([proof.version, proof.sizeBytes], [1, 12]);
  assert.equal(provesSwf(proof, swf, S1_TAIL), true);
});

test('a proof is of one SWF, its size included, on one connection', () => {
  const swf = digestSwf(SWF);
  const proof = decodeSwfProof(hex(PROOF));
  assert.equal(provesSwf({ ...proof, sizeBytes: 13 }, swf, S1_TAIL), false);
  assert.equal(provesSwf(proof, digestSwf(hex('465753090c00000000010204')), S1_TAIL), false);
  assert.equal(
    provesSwf(
      proof,
      swf,
      Uint8Array.from(S1_TAIL, (byte) => byte ^ 1),
    ),
    false,
  );
  const signature = proof.signature.slice();
  signature[31]! ^= 1;
  assert.equal(provesSwf({ ...proof, signature }, swf, S1_TAIL), false);
});
