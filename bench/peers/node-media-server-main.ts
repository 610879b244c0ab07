// node-media-server in a process of its own: RTMP on the port that is named, and nothing else.
import { createRequire } from 'node:module';

type NodeMediaServer = new (config: object) => { run(): Promise<void> };

const NodeMediaServer = createRequire(import.meta.url)('node-media-server') as NodeMediaServer;
const config = {
  bind: '127.0.0.1',
  store: { path: './data' },
  auth: { play: false, publish: false, secret: '' },
  rtmp: { port: Number(process.argv[2]) },
  http: {},
  webadmin: { enable: false },
  record: { auto: false, path: './record' },
};
await new NodeMediaServer(config).run();
