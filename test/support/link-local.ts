// A server and a client of link-local addresses, for a network namespace that has them (test/e2e/ipv6.test.ts):
// `node link-local.ts <address to listen on> <address to connect to>` prints who the script says has come.
import { once } from 'node:events';
import { connect } from 'node:net';
import { Core } from './core.ts';
import { RtmpPeer } from './rtmp-peer.ts';

const [listen, target] = process.argv.slice(2);
await using core = await Core.start({ adaptor: { listen: [{ host: listen, port: 0, secure: false }] } });
const socket = connect({ host: target, port: core.port });
await once(socket, 'connect');
const peer = await RtmpPeer.over(socket);
await peer.connect('live');
const { question } = await core.script().question('onConnect');
console.log(JSON.stringify({ ip: question.gate === 'onConnect' && question.client.ip }));
peer.socket.destroy();
