// nginx with its RTMP module, which most people run who serve RTMP.
import { join } from 'node:path';
import { programPath } from './debian.ts';
import { type ForeignServer, startForeign } from './foreign-server.ts';

/** The application `live` takes and gives everything. It keeps no pictures for players: they wait for a keyframe. */
export function startNginxRtmp(): Promise<ForeignServer> {
  return startForeign({
    program: 'nginx',
    files: (port, folder) => ({
      'nginx.conf': `
        load_module ${programPath('ngx_rtmp_module.so')};
        daemon off;
        master_process off;
        pid ${folder}/nginx.pid;
        events { worker_connections 64; }
        rtmp {
          access_log off;
          server {
            listen 127.0.0.1:${port};
            application live { live on; }
          }
        }`,
    }),
    // -e: before it has read its configuration it would open the log that it was built with
    args: (folder) => [
      ...['-p', folder, '-c', join(folder, 'nginx.conf')],
      ...['-e', join(folder, 'error.log')],
    ],
  });
}
