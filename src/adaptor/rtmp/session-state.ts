/** Of an RtmpSession. */
export const SessionState = {
  Handshaking: 'handshaking',
  /** Nothing but a connect command is welcome. */
  Connecting: 'connecting',
  /** The script is being asked. */
  Pending: 'pending',
  /** Accepted; what it wants waits until it has shown which SWF it runs. */
  Verifying: 'verifying',
  Open: 'open',
  /** What is queued is on its way out; what comes in is dropped. */
  Closing: 'closing',
  Closed: 'closed',
} as const;
export type SessionState = (typeof SessionState)[keyof typeof SessionState];
