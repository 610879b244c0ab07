// The connect command: who is it, and which application instance does it want.
import { type AmfValue, membersOf } from '../../protocol/amf/amf.ts';
import type { Command } from '../../protocol/rtmp/command.ts';

export interface ConnectRequest {
  transactionId: number;
  /** `application[/instance]` as sent, without the query. */
  app: string;
  /** Of `app`, or else of `uri`: logins of encoders. */
  query: string;
  agent: string;
  referrer: string;
  pageUrl: string;
  uri: string;
  /** Of `uri`; empty when it names none. */
  host: string;
  objectEncoding: 0 | 3;
  /** The client says that it understands E-RTMP; it gets our side of the bargain in the answer. */
  speaksEnhanced: boolean;
  /** What follows the command object. */
  args: AmfValue[];
}

/**
 * No text of it is taken beyond `maxText` characters. FMS: Security/MaxUrlLength. `takesAltHost`: a query may name another host
 * than the one that has been reached. FMS: EnableAltVhost.
 */
export function parseConnect(command: Command, maxText: number, takesAltHost: boolean): ConnectRequest {
  const members = membersOf(command.object) ?? {};
  const text = (name: string) => {
    const value = members[name];
    return typeof value === 'string' ? value.slice(0, maxText) : '';
  };
  const [app, ...query] = text('app').split('?');
  const uri = text('tcUrl');
  const ownQuery = (query.length > 0 ? query : uri.split('?').slice(1)).join('?');
  const altHost = takesAltHost ? new URLSearchParams(ownQuery).get('_fcs_vhost') : null;
  return {
    transactionId: command.transactionId,
    app: app!,
    query: ownQuery,
    agent: text('flashVer'),
    referrer: text('swfUrl'),
    pageUrl: text('pageUrl'),
    uri,
    host: altHost ? plainHost(altHost) : hostIn(uri),
    objectEncoding: members.objectEncoding === 3 ? 3 : 0,
    speaksEnhanced: ['fourCcList', 'videoFourCcInfoMap', 'audioFourCcInfoMap', 'capsEx'].some(
      (name) => name in members,
    ),
    args: command.args,
  };
}

/** The host that the client believes to have reached, in lower case: it says which virtual host is meant. */
function hostIn(uri: string): string {
  const [, host = ''] = /^[a-z]+:\/\/(?:[^/?#@]*@)?(\[[^\]/]*\]|[^/:?#]*)/i.exec(uri) ?? [];
  return plainHost(host);
}

function plainHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

/** The first object of the answer. E-RTMP: only who has offered it is offered it; forwarding (4) is what a server does. */
export function serverProperties(fmsVersion: string, speaksEnhanced: boolean): Record<string, AmfValue> {
  const classic = { fmsVer: `FMS/${fmsVersion}`, capabilities: 255, mode: 1 };
  if (!speaksEnhanced) return classic;
  return {
    ...classic,
    fourCcList: ['*'],
    videoFourCcInfoMap: { '*': 4 },
    audioFourCcInfoMap: { '*': 4 },
    capsEx: 2 | 4,
  };
}
