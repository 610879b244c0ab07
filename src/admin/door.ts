// Every request of the administration: who asks, and which of the three ways in it takes.
//
//   /admin/METHOD?auser=&apswd=   Flash Media Server's, XML
//   /api/v1/…                     JSON
//   /metrics                      text, for Prometheus
//   /                             what of these there is (index-page.ts); asks for no login
import { formatStatus, Subject } from '../log/diagnostic-log.ts';
import type { Accounts } from './accounts.ts';
import type { AdminContext } from './admin-context.ts';
import { AdminError } from './admin-error.ts';
import type { Administered } from './administered.ts';
import { callMethod } from './ams-api/methods.ts';
import { Parameters } from './ams-api/parameters.ts';
import type { Caller } from './commands.ts';
import { index } from './index-page.ts';
import { describeApi } from './json-api/openapi.ts';
import { findRoutes, type Route } from './json-api/route.ts';
import { ROUTES } from './json-api/routes.ts';
import { formatMetrics, METRICS_TYPE } from './metrics.ts';
import { type Reply, type Request, text } from './port.ts';
import type { ProcessMeter } from './process-meter.ts';
import { schemaProblem } from './schema.ts';
import { notHis, requireAudience, type Scope } from './scope.ts';
import type { Tokens } from './tokens.ts';
import { formatResult, type Result, type Value } from './xml.ts';

export interface DoorOptions {
  administered: Administered;
  accounts: Accounts;
  tokens: Tokens;
  /** What an administrator's requests act on. */
  contextOf(scope: Scope | undefined): AdminContext;
  meter: ProcessMeter;
  /** By HTTPCommands of Users.xml. */
  mayCall(method: string): boolean;
  isElemStyle: boolean;
  nowMs(): number;
  /** The admin log. */
  write(status: string, text: string): void;
}

/** `token`: what he has shown instead of a password. */
type Identity = { caller: Caller; token?: string | undefined };
type Refusal = { why: 'nobody' | 'wrong' | 'wait' | 'busy'; name: string; waitMs: number };

const API = '/api/v1';
const ADMIN = '/admin/';
const JSON_TYPE = 'application/json; charset=utf-8';
const EVENTS_TYPE = 'text/event-stream';
const REALM = 'Basic realm="Understudy administration", charset="UTF-8"';

const STATUS_OF: Readonly<Record<string, number>> = {
  ERR_ADMIN_ARGUMENT: 400,
  ERR_ADMIN_SCOPE: 403,
  ERR_ADMIN_NOT_FOUND: 404,
  ERR_ADMIN_CONFLICT: 409,
  ERR_ADMIN_FAILED: 500,
};

export class Door {
  readonly #options: DoorOptions;
  readonly #description = JSON.stringify(describeApi(ROUTES));

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  answer(request: Request): Promise<Reply> {
    const { path, method } = request;
    if (path.startsWith(ADMIN)) return this.#answerXml(request);
    if (path === '/metrics' && (method === 'GET' || method === 'HEAD')) return this.#answerMetrics(request);
    if (path === `${API}/openapi.json` && (method === 'GET' || method === 'HEAD')) {
      return Promise.resolve({ status: 200, type: JSON_TYPE, body: this.#description });
    }
    if (path.startsWith(`${API}/`)) return this.#answerJson(request);
    if (path === '/' && (method === 'GET' || method === 'HEAD')) return Promise.resolve(index(request));
    return Promise.resolve(text(404, 'Not Found: / says what is here'));
  }

  // ── who asks ───────────────────────────────────────────────────────────────────────────────────────────────────

  async #identify({ headers, ip }: Request): Promise<Identity | Refusal> {
    const { accounts, tokens } = this.#options;
    const [, scheme = '', credentials = ''] =
      /^(\w+) +([\x21-\x7e]+)$/.exec(headers.authorization ?? '') ?? [];
    if (scheme.toLowerCase() === 'bearer') {
      const name = tokens.ownerOf(credentials);
      if (name !== undefined)
        return { caller: { name, ip, scope: accounts.scopeOf(name) }, token: credentials };
      return this.#refused({ why: 'wrong', name: '', waitMs: 0 }, ip);
    }
    if (scheme.toLowerCase() === 'basic') {
      const decoded = Buffer.from(credentials, 'base64').toString('utf8');
      const colon = decoded.indexOf(':');
      if (colon > 0) return this.#logIn(decoded.slice(0, colon), decoded.slice(colon + 1), ip);
    }
    return { why: 'nobody', name: '', waitMs: 0 };
  }

  async #logIn(name: string, password: string, ip: string): Promise<Identity | Refusal> {
    const login = await this.#options.accounts.login(name, password, ip);
    if (login.isIn) return { caller: { name: login.user.name, ip, scope: login.user.scope } };
    return this.#refused({ ...login, name }, ip);
  }

  #refused(refusal: Refusal, ip: string): Refusal {
    const { name, why } = refusal;
    const status = formatStatus('w', Subject.Admin, 2010);
    const as = name === '' ? 'with a token' : `as ${JSON.stringify(name.slice(0, 64))}`;
    // one who has to wait, or comes too fast, has been noted for what came before
    if (why === 'wrong') this.#options.write(status, `login from ${ip} ${as} failed`);
    return refusal;
  }

  // ── Flash Media Server's way ───────────────────────────────────────────────────────────────────────────────────

  async #answerXml(request: Request): Promise<Reply> {
    const { method, path, query, body, headers } = request;
    if (method !== 'GET' && method !== 'POST') {
      return { ...text(405, 'Method Not Allowed'), headers: { allow: 'GET, POST' } };
    }
    const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded');
    const parameters = new Parameters([...query, ...(isForm ? new URLSearchParams(body) : [])]);
    const user = parameters.get('auser');
    const identity =
      user === undefined
        ? await this.#identify(request)
        : await this.#logIn(user, parameters.get('apswd') ?? '', request.ip);
    if (!('caller' in identity)) {
      return this.#xml({
        level: 'error',
        code: 'NetConnection.Connect.Rejected',
        description: `Administrator login failed for user ${identity.name.slice(0, 64)}.`,
      });
    }
    try {
      const data = await this.#call(path.slice(ADMIN.length), parameters, identity.caller);
      return this.#xml({ level: 'status', code: 'NetConnection.Call.Success', data });
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
      const code = 'NetConnection.Admin.CommandFailed';
      return this.#xml({ level: 'error', code, description: error.message });
    }
  }

  async #call(name: string, parameters: Parameters, caller: Caller): Promise<Value> {
    const { contextOf, mayCall } = this.#options;
    if (!mayCall(name))
      throw new AdminError('ERR_ADMIN_METHOD', 'HTTPCommands of conf/Users.xml does not allow it');
    return callMethod(name, { parameters, caller }, contextOf(caller.scope));
  }

  #xml(result: Omit<Result, 'timestamp'>): Reply {
    const { nowMs, isElemStyle } = this.#options;
    const body = formatResult({ ...result, timestamp: new Date(nowMs()) }, isElemStyle);
    return { status: 200, type: 'text/xml; charset=utf-8', body };
  }

  // ── JSON ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async #answerJson(request: Request): Promise<Reply> {
    const identity = await this.#identify(request);
    if (!('caller' in identity)) return unauthorized(identity);
    const { method, path, query } = request;
    const found = findRoutes(ROUTES, path.slice(API.length));
    const match = found.find(({ route }) => route.method === (method === 'HEAD' ? 'GET' : method));
    if (!match) {
      if (found.length === 0) return problem(404, 'Not Found', 'there is nothing of that name');
      const allow = [...new Set(found.map(({ route }) => route.method))].join(', ');
      return { ...problem(405, 'Method Not Allowed', `only ${allow}`), headers: { allow } };
    }
    const { route } = match;
    try {
      const { caller, token } = identity;
      requireAudience(caller.scope, route.audience);
      const context = this.#options.contextOf(caller.scope);
      const body = bodyOf(route, request);
      const lastEventId = [request.headers['last-event-id']].flat()[0];
      const call = { path: match.path, query, body, caller, token, lastEventId };
      if (route.stream)
        return { status: route.status, type: EVENTS_TYPE, stream: route.stream(call, context) };
      const result = await route.answer?.(call, context);
      if (!route.result) return { status: route.status };
      return { status: route.status, type: JSON_TYPE, body: `${JSON.stringify(result)}\n` };
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
      const status = STATUS_OF[error.code] ?? 400;
      return problem(status, TITLES[status] ?? 'Bad Request', error.message);
    }
  }

  // ── Prometheus ─────────────────────────────────────────────────────────────────────────────────────────────────

  async #answerMetrics(request: Request): Promise<Reply> {
    const identity = await this.#identify(request);
    if (!('caller' in identity)) return unauthorized(identity);
    if (identity.caller.scope) return problem(403, TITLES[403]!, notHis().message);
    const { administered, meter } = this.#options;
    return { status: 200, type: METRICS_TYPE, body: formatMetrics(administered, meter) };
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  500: 'Internal Server Error',
};

function unauthorized({ why, waitMs }: Refusal): Reply {
  if (why === 'nobody' || why === 'wrong') {
    const detail =
      why === 'nobody'
        ? 'the name and password of an administrator are missing'
        : 'the name or the password is wrong';
    return { ...problem(401, 'Unauthorized', detail), headers: { 'www-authenticate': REALM } };
  }
  const isFinal = waitMs === Number.POSITIVE_INFINITY;
  const detail =
    why === 'busy'
      ? 'too many passwords are being looked at'
      : `too many wrong passwords came from this address${isFinal ? ', it is locked out' : ''}`;
  const headers: Record<string, string> = isFinal ? {} : { 'retry-after': String(Math.ceil(waitMs / 1000)) };
  return { ...problem(429, 'Too Many Requests', detail), headers };
}

function problem(status: number, title: string, detail: string): Reply {
  return { status, type: 'application/problem+json', body: `${JSON.stringify({ title, status, detail })}\n` };
}

/** Checked against what the route says of it. */
function bodyOf({ body: schema }: Route, { headers, body }: Request): unknown {
  if (!schema) return undefined;
  // which also keeps forms of other pages out: a browser asks before it sends this type
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) {
    throw new AdminError('ERR_ADMIN_ARGUMENT', 'the body has to be application/json');
  }
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new AdminError('ERR_ADMIN_ARGUMENT', 'the body is not JSON');
  }
  const wrong = schemaProblem(schema, value, 'body');
  if (wrong !== undefined) throw new AdminError('ERR_ADMIN_ARGUMENT', wrong);
  return value;
}
