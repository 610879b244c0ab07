// conf/fms.ini: what most people change, with its default. The elements whose default is ${NAME} say what it means.
export const SYMBOLS: Readonly<Record<string, string>> = {
  'ADAPTOR.HOSTPORT': ':1935',
  'SERVER.ADMINSERVER_HOSTPORT': '127.0.0.1:1111',
  'SERVER.PROCESS_UID': '',
  'SERVER.PROCESS_GID': '',
  'SERVER.DEBUG_PORT': '9229',
  'SERVER.DOMAIN': '',
  'VHOST.APPSDIR': 'applications',
  'LOGGER.LOGDIR': 'logs',
  'LOGGER.LEVEL': 'info',
};
