// GET /api/v1/openapi.json: the routes, as OpenAPI 3.1 describes them.

import { object, type Schema, string } from '../schema.ts';
import type { Route } from './route.ts';

/** RFC 9457 */
export const PROBLEM = object({ title: string(), status: { type: 'integer' }, detail: string() });

export function describeApi(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    paths[route.path]![route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Understudy administration', version: '1' },
    servers: [{ url: '/api/v1' }],
    security: [{ basic: [] }, { bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
      schemas: { Problem: PROBLEM },
    },
  };
}

function operation({ id, path, summary, query = {}, body, status, result, stream }: Route): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: string(),
  }));
  const inQuery = Object.entries(query).map(([name, description]) => ({
    ...{ name, description },
    in: 'query',
    required: false,
    schema: string(),
  }));
  const problem = { description: 'Why not', content: content('application/problem+json', PROBLEM) };
  return {
    operationId: id,
    summary,
    parameters: [...inPath, ...inQuery],
    ...(body ? { requestBody: { required: true, content: content('application/json', body) } } : {}),
    responses: {
      [status]: {
        description: summary,
        ...(result ? { content: content('application/json', result) } : {}),
        ...(stream ? { content: content('text/event-stream', string()) } : {}),
      },
      default: problem,
    },
  };
}

function content(type: string, schema: Schema): object {
  return { [type]: { schema } };
}
