// What the configuration decides for one instance, and for those who are in it.
import type { ApplicationRows } from '../../config/schema/application.ts';
import type { LoginPolicy } from '../admission/login.ts';
import type { OriginRules } from '../admission/origin.ts';
import type { SwfPolicy } from '../admission/swf.ts';
import type { TransportRules } from '../admission/transport.ts';
import type { ClientAccess } from '../contract/script.ts';
import type { StreamSettings } from '../live/stream.ts';

/** What the application that a client is in means for its connection. */
export interface ClientSettings {
  /** Chunk size of everything that is sent: the shape that messages get on their way in. */
  wireChunkBytes: number;
  /** Neither a byte from the peer nor one that it took; undefined: for ever. */
  idleTimeoutMs: number | undefined;
  /** The windows that the two sides announce; FMS: Client/Bandwidth. */
  serverToClientBytes: number;
  clientToServerBytes: number;
  /** Undefined: nobody has to log in. */
  login?: LoginPolicy | undefined;
  /** Undefined: players may come from everywhere. */
  origin?: OriginRules | undefined;
  /** Undefined: nobody is asked which SWF it runs. */
  swf?: SwfPolicy | undefined;
  /** Undefined: everybody may come by every way that the adaptor has. */
  transport?: TransportRules | undefined;
  /** What they have until the script says something else; nothing unless it is here. */
  sampleAccess?: Pick<ClientAccess, 'audioSampleAccess' | 'videoSampleAccess'>;
  /** Beginnings of the names of methods that they may call; undefined: any. */
  methods?: readonly string[] | undefined;
}

/** What an application's configuration decides, as it is at the moment. */
export interface InstanceSettings
  extends Pick<ApplicationRows, 'maxAppIdleTimeMs' | 'streamManager' | 'client' | 'resourceLimits'> {
  /** Undefined: as for clients of no application yet. */
  clients?: ClientSettings;
}

export function streamSettings({ streamManager, client }: InstanceSettings): StreamSettings {
  return { ...streamManager.live, backlog: client.backlog };
}
