// The administration as JSON: /api/v1/… What each route takes and gives stands beside it, and openapi.ts says it on.
import { ACCOUNT_ROUTES } from './account-routes.ts';
import { APPLICATION_ROUTES } from './application-routes.ts';
import { CLIENT_ROUTES } from './client-routes.ts';
import { ERROR_ROUTES } from './error-routes.ts';
import { HOST_ROUTES } from './host-routes.ts';
import { INSTANCE_ROUTES } from './instance-routes.ts';
import { RECORDING_ROUTES } from './recording-routes.ts';
import type { Route } from './route.ts';
import { SERVER_ROUTES } from './server-routes.ts';
import { SETTING_ROUTES } from './setting-routes.ts';
import { STREAM_ROUTES } from './stream-routes.ts';

export const ROUTES: readonly Route[] = [
  ...SERVER_ROUTES,
  ...HOST_ROUTES,
  ...APPLICATION_ROUTES,
  ...ERROR_ROUTES,
  ...INSTANCE_ROUTES,
  ...CLIENT_ROUTES,
  ...STREAM_ROUTES,
  ...RECORDING_ROUTES,
  ...SETTING_ROUTES,
  ...ACCOUNT_ROUTES,
];
