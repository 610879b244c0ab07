// What a script does to its instance: one handler for each command of script-table.ts.
import { AccessStatus } from '../../log/access-status.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import { type Client, ClientState } from '../contract/client.ts';
import type { InstanceCommand, InstanceScript, InstanceStats } from '../contract/script.ts';
import type { Publishing } from '../publish/publishing.ts';
import type { RecordControl } from '../publish/record-control.ts';
import type { Relays } from '../served/relays.ts';
import type { ServerStreams } from '../served/server-streams.ts';

/** The parts of an instance that commands act on. */
export interface CommandTargets {
  readonly clients: ReadonlyMap<string, Client>;
  readonly publishing: Publishing;
  readonly recordings: RecordControl;
  readonly serverStreams: ServerStreams;
  readonly relays: Relays;
  script(): InstanceScript | undefined;
  stats(): InstanceStats;
  /** Tells an accepted client that the application ends, and closes its connection. */
  end(client: Client): void;
  broadcast(name: string, args: AmfValue[]): void;
  shutdown(): void;
}

export type CommandHandlers = {
  readonly [Op in InstanceCommand['op']]: (command: InstanceCommand & { op: Op }) => void;
};

export function commandHandlers(targets: CommandTargets): CommandHandlers {
  const { clients, publishing, recordings, serverStreams, relays, script } = targets;
  const accepted = (id: string) => {
    const client = clients.get(id);
    return client?.state === ClientState.Accepted ? client : undefined;
  };
  return {
    clientCall({ client: id, name, args, responder }) {
      const client = accepted(id);
      if (client) client.port.call(name, args, responder);
      else if (responder !== undefined) script()?.callResult(responder, false, undefined);
    },
    broadcast: ({ name, args }) => targets.broadcast(name, args),
    disconnect: ({ client }) =>
      accepted(client)?.port.close('disconnected by the script', AccessStatus.ByScript),
    endClient({ client: id }) {
      const client = accepted(id);
      if (client) targets.end(client);
    },
    access({ op: _op, client: id, ...access }) {
      const client = clients.get(id);
      if (client) Object.assign(client.facts, access);
    },
    ping({ client: id }) {
      const client = accepted(id);
      if (!client) return;
      script()?.tell({ event: 'clientStats', client: id, stats: client.port.stats() });
      client.port.ping();
    },
    record({ op: _op, stream, mode, gate, ...terms }) {
      // One that comes too late must not begin the publisher's file anew, so it waits for the server and for nobody else.
      if (gate === undefined && recordings.arm(stream, mode, terms)) return;
      publishing.command(stream, gate, (entry) => recordings.change(entry, mode, terms));
    },
    streamDisconnect: ({ stream, reason, gate }) =>
      publishing.command(stream, gate, (entry) => publishing.disconnect(entry, reason)),
    streamPlay({ stream, source: name, start, length, reset, connection }) {
      if (connection === undefined) serverStreams.play(stream, { name, start, length, reset });
      else serverStreams.playItem(stream, relays.item(connection, { name, start, length }), reset);
    },
    streamStop: ({ stream }) => serverStreams.stop(stream),
    streamReceive: ({ op: _op, stream, ...wants }) => serverStreams.receive(stream, wants),
    streamBuffer: ({ stream, seconds }) => serverStreams.setBufferMs(stream, seconds * 1000),
    streamSend: ({ stream, name, args, gate }) => serverStreams.send(stream, name, args, gate),
    outConnect: ({ id, uri, args }) => relays.connect(id, uri, args),
    outClose: ({ id }) => relays.close(id),
    outPublish: ({ id, connection, name, type, source }) =>
      relays.publish(id, { connection, name, type, source }),
    outAttach: ({ id, source }) => relays.attach(id, source),
    outUnpublish: ({ id }) => relays.unpublish(id),
    outForget: () => relays.closeForgotten(),
    outDisown: ({ from, to }) => relays.disown(from, to),
    shutdown: () => targets.shutdown(),
    stats: () => script()?.tell({ event: 'instanceStats', stats: targets.stats() }),
  };
}
