// What all sessions of an adaptor have in common.
import type { Turns } from '../../application/pace/turns.ts';
import type { Log } from '../../log/log.ts';
import type { AmfLimits } from '../../protocol/amf/amf-budget.ts';
import type { ChunkReaderOptions } from '../../protocol/rtmp/chunk-reader.ts';
import type { FanOut } from '../link/fan-out.ts';
import type { CommandRateLimits } from './command-rate.ts';
import type { InputBudget } from './input-budget.ts';
import type { EntryOptions } from './session-entry.ts';

export interface SessionOptions extends EntryOptions, CommandRateLimits {
  log: Log;
  /** Shared by all connections. */
  turns: Turns;
  chunks: ChunkReaderOptions;
  amf: AmfLimits;
  maxNetStreams: number;
  /** Characters of one text of a connect command. FMS: Security/MaxUrlLength. */
  maxConnectText: number;
  /** Calls that its script has not answered yet, and what they were on the wire. */
  maxOpenCalls: number;
  maxOpenCallBytes: number;
  /** Answers and calls that it has not read. */
  maxUnreadBytes: number;
  /** How long a peer may take to read the last words. */
  closeGraceMs: number;
  /** Bytes kept while a gate is open; beyond it the socket is paused. */
  maxHeldBytes: number;
  /** The same before its connect has succeeded, unfinished messages included. */
  maxEarlyBytes: number;
  /** Memory for what is not finished, of all connections. */
  input: InputBudget;
  /** From the first byte to the connect command. */
  handshakeTimeoutMs: number;
  /** Whether a query of theirs may name another virtual host. FMS: EnableAltVhost. */
  altVhost: boolean;
  /** Whether clients may encrypt what is behind the handshake. FMS: RTMP/RTMPE. */
  rtmpe: boolean;
  /** What the streams give to many players leaves by it; undefined: by each one's socket. */
  fanOut?: FanOut | undefined;
  /** Where every session's bytes are kept; undefined: nowhere. */
  wireDumpFolder?: string | undefined;
}
