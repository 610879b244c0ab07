// What connects to other servers, for tests: it may go to 127.0.0.1.
import { Dialer, type DialerOptions, type DialGrant } from '../../src/adaptor/outgoing/dialer.ts';
import { LineLimit } from '../../src/log/line-limit.ts';
import { AMF_LIMITS } from '../../src/protocol/amf/amf-budget.ts';
import { keepingLog } from './core.ts';
import type { ManualClock } from './manual-clock.ts';

export function dialerFor(
  clock: ManualClock,
  grant: Partial<DialGrant> = {},
  options: Partial<DialerOptions> = {},
): Dialer {
  const mayConnect = { hosts: ['127.0.0.1:*'], privateAddresses: [], timeOutMs: 10_000, maxConnections: 3 };
  return new Dialer({
    grantFor: () => ({ ...mayConnect, ...grant }),
    tls: { verifies: true, authorities: undefined },
    agent: 'FMLE/3.0 (compatible; Understudy/1.2.3)',
    clock,
    log: keepingLog().log,
    lines: new LineLimit(clock),
    hasRoom: () => true,
    chunks: {},
    amf: { ...AMF_LIMITS, values: 1000 },
    maxUnreadBytes: 1 << 20,
    closeGraceMs: 2_000,
    ...options,
  });
}
