// The list of what Flash Media Server has and scripts do not find here, held against the types that scripts are given.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ABSENT_CLASSES, ABSENT_FUNCTIONS, ABSENT_MEMBERS } from '../../src/cli/fms-surface.ts';

const TYPES = readFileSync(join(import.meta.dirname, '../../src/script/types/understudy.d.ts'), 'utf8');

/** What Adobe's references document, class by class (Server-Side ActionScript, Flash Media Server 1 to Adobe Media Server 5). */
const DOCUMENTED = {
  application:
    'allowDebug clients config hostname name server streams acceptConnection broadcastMsg clearSharedObjects clearStreams denyPeerLookup ' +
    'disconnect gc getStats redirectConnection registerClass registerProxy rejectConnection sendPeerRedirect shutdown onAppStart onAppStop ' +
    'onConnect onConnectAccept onConnectReject onDisconnect onPeerLookup onPublish onUnpublish onStatus',
  Client:
    'agent audioSampleAccess farAddress farID farNonce id ip nearAddress nearID nearNonce pageUrl potentialNearAddresses protocol ' +
    'protocolVersion readAccess referrer reportedAddresses secure uri videoSampleAccess virtualKey writeAccess call checkBandwidth ' +
    'getBandwidthLimit setBandwidthLimit getStats getStreamLength introducePeer ping onFarAddressChange onReportedAddressChange onGroupJoin ' +
    'onGroupLeave',
  Stream:
    'bufferTime generateCCInfo maxQueueDelay maxQueueSize name publishQueryString receiveAudio receiveVideo syncWrite type get play ' +
    'playFromGroup record send setBufferTime setVirtualPath clear flush length size getOnMetaData destroy onStatus',
  NetConnection:
    'isConnected objectEncoding uri farID farNonce nearID nearNonce addHeader call close connect onStatus',
  NetStream: 'bufferTime time attach publish send setBufferTime onStatus',
} as const;
const CLASSES =
  'Application ByteArray Client File GroupSpecifier GroupControl LoadVars Log MulticastStreamInfo MulticastStreamIngest NetConnection NetGroup ' +
  'NetGroupInfo NetGroupReceiveMode NetGroupReplicationStrategy NetGroupSendMode NetGroupSendResult NetStream ProxyStream SharedObject SHA256 ' +
  'SOAPCall SOAPFault Stream WebService XML XMLSocket XMLStreams';
const FUNCTIONS = 'clearInterval getGlobal load protectObject setAttributes setInterval trace';

/** The text of the interfaces of a class: its objects and its constructor. */
function typesOf(name: string): string {
  const interfaces = [name === 'application' ? 'Application' : name, `${name}Constructor`];
  return interfaces
    .map((one) => new RegExp(`^interface ${one} .*?^}`, 'ms').exec(TYPES)?.[0] ?? '')
    .join('\n');
}

const isMember = (types: string, name: string) =>
  new RegExp(`^  (readonly )?${name}\\??[(<:]`, 'm').test(types);

test('each documented member is in the types or in the list with what to use instead, and none is in both', () => {
  for (const [name, members] of Object.entries(DOCUMENTED)) {
    const types = typesOf(name);
    assert.notEqual(types.trim(), '', name);
    const absent = ABSENT_MEMBERS[name as keyof typeof DOCUMENTED];
    const documented = members.split(' ');
    for (const member of documented) {
      assert.notEqual(isMember(types, member), Object.hasOwn(absent, member), `${name}.${member}`);
    }
    for (const member of Object.keys(absent)) assert.ok(documented.includes(member), `${name}.${member}`);
  }
});

test('each documented class and global function is declared or in the list, and none is both', () => {
  for (const [names, absent] of [
    [CLASSES, ABSENT_CLASSES],
    [FUNCTIONS, ABSENT_FUNCTIONS],
  ] as const) {
    for (const name of names.split(' ')) {
      const isDeclared = new RegExp(`^declare (var|class|function|const) ${name}\\b`, 'm').test(TYPES);
      assert.notEqual(isDeclared, Object.hasOwn(absent, name), name);
    }
    for (const name of Object.keys(absent)) assert.ok(names.split(' ').includes(name), name);
  }
});
