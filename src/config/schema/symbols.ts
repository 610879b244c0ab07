// conf/fms.ini: what most people change, and where the other files pick it up.

export interface SymbolSetting {
  default: string;
  /** The element that it goes to says what may stand there. */
  element: string;
}

export const SYMBOLS = {
  'ADAPTOR.HOSTPORT': { default: ':1935', element: 'Adaptor.xml HostPortList/HostPort' },
  'SERVER.ADMINSERVER_HOSTPORT': {
    default: '127.0.0.1:1111',
    element: 'Server.xml Server/AdminServer/HostPort',
  },
  'SERVER.DOMAIN': { default: '', element: 'Server.xml ServerDomain' },
  'VHOST.APPSDIR': { default: 'applications', element: 'Vhost.xml AppsDir' },
  'LOGGER.LOGDIR': { default: 'logs', element: 'Logger.xml Application/Directory' },
  'LOGGER.LEVEL': { default: 'info', element: 'Logger.xml Diagnostic/Level' },
} as const satisfies Record<string, SymbolSetting>;
