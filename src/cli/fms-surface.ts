// What server-side ActionScript of Flash Media Server and Adobe Media Server has and scripts do not find here, with what to use
// instead. test/cli/fms-surface.test.ts holds this against understudy.d.ts: a name leaves this list when it comes.

/** The classes whose objects scripts are given or make here. */
export type KnownClass = 'application' | 'Client' | 'Stream' | 'NetConnection' | 'NetStream';

const RTMFP = 'RTMFP and its peers are not supported; clients connect by RTMP';
const REMOTING = 'connections to other servers carry streams only; call other servers with fetch()';
const XML_TEXT = 'there is no XML parser; use fetch() and JSON, or import a parser of npm into a main.ts';

/** Name of a class → what to use instead. */
export const ABSENT_CLASSES: Readonly<Record<string, string>> = {
  SharedObject:
    'keep the state in variables or application.store, and tell clients with application.broadcastMsg() or client.call()',
  File: 'read data with an import or load(), keep data in application.store',
  LoadVars: 'use fetch() with URLSearchParams',
  XML: XML_TEXT,
  XMLSocket: 'there are no raw sockets; use fetch()',
  XMLStreams: 'there are no raw sockets; use fetch()',
  WebService: 'send the SOAP request with fetch()',
  SOAPCall: 'send the SOAP request with fetch()',
  SOAPFault: 'send the SOAP request with fetch()',
  Log: 'use console or trace()',
  ByteArray: 'use Uint8Array and DataView',
  SHA256: "use crypto.subtle.digest('SHA-256', bytes)",
  GroupSpecifier: RTMFP,
  GroupControl: RTMFP,
  NetGroup: RTMFP,
  NetGroupInfo: RTMFP,
  NetGroupReceiveMode: RTMFP,
  NetGroupReplicationStrategy: RTMFP,
  NetGroupSendMode: RTMFP,
  NetGroupSendResult: RTMFP,
  MulticastStreamInfo: RTMFP,
  MulticastStreamIngest: RTMFP,
  ProxyStream: RTMFP,
};

export const ABSENT_FUNCTIONS: Readonly<Record<string, string>> = {
  getGlobal: 'globalThis is the global object; there is no secure.asc',
  protectObject: 'there is no secure.asc; all code of an application has the same rights',
  setAttributes: 'use Object.defineProperty()',
};

/** Class → member → what to use instead. */
export const ABSENT_MEMBERS: Readonly<Record<KnownClass, Readonly<Record<string, string>>>> = {
  application: {
    allowDebug: 'set Debug/AllowDebugDefault in Application.xml',
    clearSharedObjects: 'there are no shared objects',
    clearStreams: 'clear recordings one by one with stream.clear()',
    denyPeerLookup: RTMFP,
    gc: 'garbage is collected automatically',
    onPeerLookup: RTMFP,
    registerClass: 'typed objects arrive as plain objects',
    registerProxy: 'define the method on Client.prototype and answer with fetch()',
    sendPeerRedirect: RTMFP,
  },
  Client: {
    farAddress: RTMFP,
    farID: RTMFP,
    farNonce: RTMFP,
    getBandwidthLimit: 'bandwidth is not limited by the script',
    getStreamLength: 'use Stream.length(name), a promise',
    introducePeer: RTMFP,
    nearAddress: RTMFP,
    nearID: RTMFP,
    nearNonce: RTMFP,
    onFarAddressChange: RTMFP,
    onGroupJoin: RTMFP,
    onGroupLeave: RTMFP,
    onReportedAddressChange: RTMFP,
    potentialNearAddresses: RTMFP,
    protocolVersion: 'use client.protocol',
    reportedAddresses: RTMFP,
    setBandwidthLimit: 'bandwidth is not limited by the script',
  },
  Stream: {
    destroy: 'a stream without publisher, players and recording is removed automatically',
    generateCCInfo: 'captions are relayed unchanged',
    getOnMetaData: 'the metadata reaches players with the stream',
    maxQueueDelay: 'set StreamManager/Live/Flush in Application.xml',
    maxQueueSize: 'set StreamManager/Live/Flush in Application.xml',
    playFromGroup: RTMFP,
    syncWrite: 'set MaxFlushTime in Server.xml',
    type: 'use stream.publisher',
  },
  NetConnection: {
    addHeader: REMOTING,
    call: REMOTING,
    farID: RTMFP,
    farNonce: RTMFP,
    nearID: RTMFP,
    nearNonce: RTMFP,
    objectEncoding: 'connections to other servers speak AMF0',
  },
  NetStream: {
    send: 'send data on the stream itself with stream.send()',
    time: 'measure from NetStream.Publish.Start on',
  },
};

/** Scripts that came with the server, and were loaded by name. */
export const ABSENT_FILES: Readonly<Record<string, string>> = {
  'netservices.asc': 'Flash Remoting is not supported; call other servers with fetch()',
  'application.asc': "Adobe's communication components are not supported",
  'components.asc': "Adobe's communication components are not supported",
  'facade.asc': "Adobe's communication components are not supported",
  'framework.asc': "Adobe's communication components are not supported",
  'webservices.asc': 'SOAP is not supported; send the request with fetch()',
};
