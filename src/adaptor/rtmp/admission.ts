// What may be against a client before its application has heard of it.
import { hasOrigin, type OriginRules } from '../../application/admission/origin.ts';
import { type TunnelForm, transportProblem } from '../../application/admission/transport.ts';
import { type Registry, withoutEdgeSlashes } from '../../application/instance/registry.ts';
import { type AddressRules, admitsAddress, admitsNames } from '../../config/address-rules.ts';
import { type Resolver, verifiedNames } from '../link/reverse-dns.ts';
import type { ConnectRequest } from './connect.ts';
import type { Logins, SecretQuestion } from './logins.ts';

export interface Candidate {
  request: ConnectRequest;
  ip: string;
  /** As scripts and logs say it. */
  protocol: string;
  tunnel: TunnelForm | undefined;
}

export type Admission =
  /** `user`: it has logged in; empty: it has not. */
  | { isAdmitted: true; user: string; writeAccess: '/' | '' }
  /** `why`: for the log, where the client is told something else. */
  | {
      isAdmitted: false;
      cause: 'transport' | 'origin' | 'login-needed' | 'login-failed';
      description: string;
      why: string;
    };

/** Whether a virtual host takes clients of that address. Its names are looked up if they count. */
export function isWelcome(
  rules: AddressRules | undefined,
  ip: string,
  resolver: Resolver,
): boolean | Promise<boolean> {
  if (!rules) return true;
  return (
    admitsAddress(rules, ip) ?? verifiedNames(ip, resolver).then((names) => admitsNames(rules, ip, names))
  );
}

/** Calls `decided` once, at once unless users are read from a file or `ask` is called, which asks the script; never without its answer. */
export function judge(
  { request, ip, protocol, tunnel }: Candidate,
  registry: Registry,
  logins: Logins,
  ask: SecretQuestion,
  decided: (admission: Admission) => void,
): void {
  const { transport, origin, login } = registry.clientSettingsOf(request.app) ?? {};
  const byTransport = transport && transportProblem(transport, protocol, tunnel);
  const problem =
    byTransport ?? (origin && hasOrigin(request.agent, ip) ? originProblem(origin, request) : undefined);
  if (problem) {
    const cause = byTransport ? 'transport' : 'origin';
    decided({ isAdmitted: false, cause, description: `[ Server.Reject ] : ${problem}`, why: problem });
    return;
  }
  if (!login) {
    decided({ isAdmitted: true, user: '', writeAccess: '/' });
    return;
  }
  const { query, agent } = request;
  logins.judge(login, { app: withoutEdgeSlashes(request.app), query, agent, ip }, ask, (verdict) => {
    if (verdict.isAdmitted) {
      decided({ isAdmitted: true, user: verdict.user ?? '', writeAccess: verdict.mayPublish ? '/' : '' });
    } else {
      const { description, why, hasFailed } = verdict;
      decided({ isAdmitted: false, cause: hasFailed ? 'login-failed' : 'login-needed', description, why });
    }
  });
}

function originProblem(rules: OriginRules, { pageUrl, referrer }: ConnectRequest): string | undefined {
  return rules.problem({ pageUrl, swfUrl: referrer });
}
