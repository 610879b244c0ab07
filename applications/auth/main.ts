// Who may publish, and who may watch. Both secrets are in keys.json beside this file; saving either file takes effect at once.
//
// Publishing takes a stream key, which nobody else gets to see: players know the stream by its public name only.
//   OBS:  Server rtmp://HOST/auth  Stream Key KEY
//
// Watching takes a link that expires, signed by whoever has the link secret, say your web site:
//   rtmp://HOST/auth/cam1?expires=1900000000&token=…    (expires: seconds since 1970)
//   printf '%s' 'play:cam1:1900000000' | openssl dgst -sha256 -hmac SECRET
// The same with "publish:…" lets somebody publish under that name who has no key of his own.
import settings from './keys.json';

const publicNames = new Map<string, string>(Object.entries(settings.streamKeys));
let linkKey: CryptoKey | undefined;

// Runs before the first client connects.
application.onAppStart = async () => {
  if (publicNames.size === 0) trace('keys.json has no stream keys yet');
  if (settings.linkSecret === '') return trace('keys.json has no link secret yet: nobody may watch');
  const secret = new TextEncoder().encode(settings.linkSecret);
  const algorithm = { name: 'HMAC', hash: 'SHA-256' } as const;
  linkKey = await crypto.subtle.importKey('raw', secret, algorithm, false, ['verify']);
};

// An encoder wants to publish; what it calls the stream is the key.
application.onPublish = async (client, _stream, request) => {
  const publicName = publicNames.get(request.name);
  if (publicName !== undefined) return { as: publicName };
  if (await isSigned('publish', request)) return true;
  trace(`${client.ip} may not publish`);
  return { deny: 'unknown stream key' };
};

// Somebody wants to watch.
application.onPlay = async (_client, _stream, request) => {
  return (await isSigned('play', request)) || { deny: 'this link is not valid, or not any longer' };
};

async function isSigned(action: 'publish' | 'play', request: PublishRequest | PlayRequest): Promise<boolean> {
  const { expires = '', token = '' } = request.params;
  if (!linkKey || !(Number(expires) * 1000 > Date.now())) return false;
  const text = new TextEncoder().encode(`${action}:${request.name}:${expires}`);
  const signature = Uint8Array.from(token.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));
  return crypto.subtle.verify('HMAC', linkKey, signature, text);
}
