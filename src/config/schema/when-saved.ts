// From when on a saved Application.xml counts for instances that run, element by element. Nobody is disconnected.

/** Of several that fit, the longest path counts: `Client` is everything in it that is not named elsewhere. */
export const WHEN_SAVED: Readonly<Record<string, readonly string[]>> = {
  'at once': [
    'MaxAppIdleTime',
    'JSEngine/Reload',
    'JSEngine/Fetch',
    'JSEngine/Exec',
    'JSEngine/Security',
    'StreamManager',
    'Client/MsgQueue',
  ],
  'for streams that begin from then on': [
    'StreamManager/Live/Flush',
    'StreamManager/Live/AccumulatedIFrames',
    'StreamManager/Live/KeyframeWait',
    'Client/Backlog',
  ],
  'for clients that come from then on': [
    'AutoCloseIdleClients',
    'Authentication',
    'Client',
    'AllowHTTPTunnel',
    'DisallowedProtocols',
    'ResourceLimits',
    'SWFVerification',
  ],
  'as a change of the script, by its Reload': ['JSEngine', 'JSEngine/Fetch/MaxRunning', 'Debug'],
  'when the script is saved after it': ['JSEngine/ScriptLibPath'],
  'when the server starts': ['LoadOnStartup'],
  'for the next instance': ['JSEngine/GateTimeOut', 'JSEngine/GateFailure', 'Client/OutChunkSize', 'Process'],
};

/** For the operator. */
export function sayWhenSaved(): string[] {
  return [
    'A saved change takes effect without a restart, and disconnects no client unless Reload says so:',
    ...Object.entries(WHEN_SAVED).map(([when, paths]) => `  ${when}: ${paths.join(', ')}`),
    'If several entries match, the longest path applies. A file with an error is reported with its line, and the ' +
      'previous settings stay in effect.',
  ];
}
