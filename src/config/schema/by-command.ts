// What administrators may change by command, of Application.xml: numbers and switches. Programs, folders, hosts, secrets, and
// who is let in are for those who have the files.

/** Each is an element, with whatever is in it. */
export const BY_COMMAND: readonly string[] = [
  'MaxAppIdleTime',
  'AutoCloseIdleClients',
  'LoadOnStartup',
  'JSEngine/RuntimeSize',
  'JSEngine/MaxTimeOut',
  'JSEngine/LoadTimeOut',
  'JSEngine/GateTimeOut',
  'JSEngine/MaxTimers',
  'JSEngine/MaxQueuedEvents',
  'JSEngine/MaxQueuedSize',
  'JSEngine/MaxLogRate',
  'JSEngine/Reload',
  'StreamManager/Live',
  'StreamManager/EnhancedSeek',
  'StreamManager/SendDuplicateStart',
  'StreamManager/SendDuplicateOnMetaData',
  'StreamManager/MaxSwitchTime',
  'StreamManager/Recording',
  'ResourceLimits',
  'Client/OutChunkSize',
  'Client/Bandwidth',
  'Client/Backlog',
  'Client/MsgQueue',
];
