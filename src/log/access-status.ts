/** x-status as Flash Media Server writes it; what stands last is our own. */
export const AccessStatus = {
  Pending: 100,
  ByAdmin: 102,
  Shutdown: 103,
  Ok: 200,
  Redirected: 302,
  BadRequest: 400,
  /** By the script. */
  Rejected: 401,
  /** By readAccess and writeAccess, or because recording is switched off. */
  Forbidden: 403,
  NotFound: 404,
  /** The client has gone, or gave no sign of life. */
  ClientGone: 408,
  /** A name that is taken, a limit that is reached. */
  Conflict: 409,
  /** A file that cannot be played. */
  UnsupportedMedia: 415,
  /** It does not read what it is sent. */
  Unread: 416,
  Failed: 500,
  Unavailable: 503,
  /** Ended by the script. */
  ByScript: 600,
  /** Another publisher has the name now. */
  TakenOver: 601,
} as const;
export type AccessStatus = (typeof AccessStatus)[keyof typeof AccessStatus];
