// Connections that come and say nothing, or something that is no RTMP.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import type { Siege } from '../stage.ts';

export const SIEGE: Siege = {
  title: 'connections that are not finished',
  attacks: [
    {
      name: 'a hundred connections that say nothing, and one that is let in beside them',
      async run({ server }) {
        const sockets = Array.from({ length: 100 }, () => connect({ host: '127.0.0.1', port: server.port }));
        try {
          await Promise.all(sockets.map((socket) => once(socket, 'connect')));
          await using peer = await RtmpPeer.open(server.port);
          assert.equal((await peer.connect('live')).name, '_result');
        } finally {
          for (const socket of sockets) socket.destroy();
        }
      },
    },
  ],
};
