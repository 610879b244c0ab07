// Commands of a script → what they do to its instance.
import type { ScriptCommands } from '../../application/contract/script.ts';
import type { Command } from './commands.ts';

/** Those that concern the instance itself; answers and reports are handled before. */
export type InstanceCommand = Exclude<
  Command,
  { op: 'ready' | 'saved' | 'verdict' | 'ret' | 'stats' | 'cut' | 'keep' | 'ask' | 'unask' | 'log' | 'error' }
>;

/**
 * Responders, connections and streams are numbered by each version of a script anew. What is told of them must tell the
 * versions apart: an answer to the old one's question is none to the new one's.
 */
export const IDS_PER_VERSION = 2 ** 32;

export function applyCommand(command: InstanceCommand, to: ScriptCommands, version: number): void {
  const keyOf = (id: number) => version * IDS_PER_VERSION + id;
  switch (command.op) {
    case 'clientCall': {
      const { client, name, args, responder } = command;
      const id = responder === undefined ? undefined : keyOf(responder);
      to.callClient(client, name, args, id);
      return;
    }
    case 'broadcast':
      to.broadcast(command.name, command.args);
      return;
    case 'disconnect':
      to.disconnectClient(command.client);
      return;
    case 'access':
      to.setAccess(command.client, command.access);
      return;
    case 'ping':
      to.pingClient(command.client);
      return;
    case 'record':
      to.record(command.stream, command.mode, command.terms, command.gate);
      return;
    case 'streamDisconnect':
      to.disconnectStream(command.stream, command.reason, command.gate);
      return;
    case 'streamPlay': {
      const { stream, source: name, start, length, reset, connection } = command;
      if (connection === undefined) to.serverStreams.play(stream, { name, start, length, reset });
      else
        to.serverStreams.playItem(
          stream,
          to.outgoing.item(keyOf(connection), { name, start, length }),
          reset,
        );
      return;
    }
    case 'streamStop':
      to.serverStreams.stop(command.stream);
      return;
    case 'streamReceive':
      to.serverStreams.receive(command.stream, command.wants);
      return;
    case 'streamBuffer':
      to.serverStreams.setBufferMs(command.stream, command.seconds * 1000);
      return;
    case 'streamSend':
      to.serverStreams.send(command.stream, command.name, command.args, command.gate);
      return;
    case 'outConnect':
      to.outgoing.connect(keyOf(command.id), command.uri, command.args);
      return;
    case 'outClose':
      to.outgoing.close(keyOf(command.id));
      return;
    case 'outPublish': {
      const { id, connection, name, type, source } = command;
      to.outgoing.publish(keyOf(id), { connection: keyOf(connection), name, type, source });
      return;
    }
    case 'outAttach':
      to.outgoing.attach(keyOf(command.id), command.source);
      return;
    case 'outUnpublish':
      to.outgoing.unpublish(keyOf(command.id));
      return;
    case 'outForget':
      to.outgoing.closeForgotten();
      return;
    case 'shutdown':
      to.shutdown();
  }
}
