// What Flash Player asks the port of an RTMP server for by HTTP, besides a tunnel.
import { isIPv6 } from 'node:net';
import { readAuthorFile } from '../../disk/author-file.ts';
import type { Log } from '../../log/log.ts';
import { reply } from './http-reply.ts';
import type { HttpRoute } from './http-route.ts';

export interface PlayerRouteOptions {
  /** FMS: CrossDomainPath, absolute. Undefined: everybody may. */
  crossDomainFile: string | undefined;
  /** FMS: HTTPIdent2. */
  ident2: {
    isEnabled: boolean;
    /** Empty: the address that the player has reached. */
    address: string;
  };
  /** FMS: HTTPNull. */
  answersRoot: boolean;
}

const EVERYBODY_MAY = `<?xml version="1.0"?>
<!DOCTYPE cross-domain-policy SYSTEM "http://www.adobe.com/xml/dtds/cross-domain-policy.dtd">
<cross-domain-policy>
  <allow-access-from domain="*"/>
</cross-domain-policy>
`;
const MAX_POLICY_BYTES = 64 << 10;

const ROOT: HttpRoute = {
  methods: ['GET', 'HEAD'],
  pattern: '/',
  handle: (_request, response) => reply(response, 200, {}, ''),
};

export function playerRoutes(
  { crossDomainFile, ident2, answersRoot }: PlayerRouteOptions,
  log: Log,
): HttpRoute[] {
  return [
    ...(answersRoot ? [ROOT] : []),
    {
      methods: ['GET', 'HEAD'],
      pattern: '/crossdomain.xml',
      async handle(_request, response) {
        const policy = crossDomainFile === undefined ? EVERYBODY_MAY : await readPolicy(crossDomainFile, log);
        if (policy === undefined) reply(response, 404, {}, 'Not Found\n');
        else reply(response, 200, { 'Content-Type': 'text/x-cross-domain-policy' }, policy);
      },
    },
    {
      // before a tunnel is opened: which of the machines behind one name shall all its requests go to?
      methods: ['GET', 'POST'],
      pattern: '/fcs/ident2',
      handle(_request, response, { localIp }) {
        const address = ident2.address || (isIPv6(localIp) ? `[${localIp}]` : localIp);
        reply(response, 200, {}, ident2.isEnabled ? address : '');
      },
    },
  ];
}

/** Read anew each time: it is short, asked for once by a player, and changes count at once. */
async function readPolicy(file: string, log: Log): Promise<Buffer | undefined> {
  try {
    const found = await readAuthorFile(file, { maxBytes: MAX_POLICY_BYTES });
    if (!found) throw new Error('there is no such file');
    return found.bytes;
  } catch (err) {
    log.error({ event: 'crossdomain', file, err }, `${file} cannot be read: the server refuses every site`);
    return undefined;
  }
}
