// What of HostRules is the Web's: URLs, and their schemes.
import { type HostGrant, HostRules } from '../../../config/host-rules.ts';

export class FetchRules extends HostRules {
  constructor(grant: HostGrant) {
    super(grant, 'Fetch');
  }

  /** Why that may not be asked; undefined when it may. */
  problemWithUrl({ protocol, hostname, port }: URL): string | undefined {
    if (protocol !== 'http:' && protocol !== 'https:') return `${protocol} is not http: or https:`;
    const ownPort = protocol === 'https:' ? 443 : 80;
    return this.problemWith({ host: hostname, port: Number(port || ownPort), hasDefaultPort: port === '' });
  }
}
