// From which web pages and SWFs players may come to an application.

export interface OriginRules {
  /** Why a page or a SWF of that address may not; undefined: it may. Must not throw. */
  problem(origin: { pageUrl: string; swfUrl: string }): string | undefined;
}

/** Flash Media Server's own applications asked neither its encoders nor who came from the same machine. */
export function hasOrigin(agent: string, ip: string): boolean {
  return !/FME|FMLE/.test(agent) && ip !== '127.0.0.1' && ip !== '::1';
}
