// What a client is told when its connect has been decided.
import type { ConnectRefusal } from '../../application/contract/client.ts';
import type { ClientSettings } from '../../application/instance/instance-settings.ts';
import { LimitType, UserControlEvent } from '../../protocol/rtmp/control.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import { type StatusCode, statusInfo } from '../../protocol/rtmp/status.ts';
import type { Outbox } from '../link/outbox.ts';
import { type ConnectRequest, serverProperties } from './connect.ts';

/** RTMP 1.0 §7.2.1.1, in the order of Flash Media Server. */
export function answerAccepted(
  outbox: Outbox,
  { transactionId, objectEncoding, speaksEnhanced }: ConnectRequest,
  { clientToServerBytes, serverToClientBytes, wireChunkBytes }: ClientSettings,
  fmsVersion: string,
): void {
  outbox.together(() => {
    outbox.control({ typeId: MessageType.WindowAckSize, ackWindowBytes: clientToServerBytes });
    outbox.control({
      typeId: MessageType.SetPeerBandwidth,
      ackWindowBytes: serverToClientBytes,
      limitType: LimitType.Dynamic,
    });
    outbox.control({ typeId: MessageType.SetChunkSize, chunkBytes: wireChunkBytes });
    outbox.control({ typeId: MessageType.UserControl, event: UserControlEvent.StreamBegin, streamId: 0 });
    const info = statusInfo('NetConnection.Connect.Success', 'Connection succeeded.', {
      objectEncoding,
      data: { version: fmsVersion },
    });
    outbox.command('_result', transactionId, [info], 0, serverProperties(fmsVersion, speaksEnhanced));
    outbox.objectEncoding = objectEncoding;
    outbox.command('onBWDone', 0, []);
  });
}

export function answerRefused(outbox: Outbox, transactionId: number, refusal: ConnectRefusal): void {
  const { application, redirect } = refusal;
  const info = statusInfo(refusal.code as StatusCode, refusal.description, {
    ...(application === undefined ? {} : { application }),
    ...(redirect === undefined ? {} : { ex: { code: 302, redirect } }),
  });
  outbox.together(() => {
    if (outbox.scriptCommand('_error', transactionId, [info])) {
      const { application: _, ...plain } = info; // the script's object has no form on the wire
      outbox.command('_error', transactionId, [plain]);
    }
    outbox.command('close', 0, []);
  });
}
