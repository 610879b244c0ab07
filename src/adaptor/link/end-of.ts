/** Who has closed while something was on its way to it has left, and nothing is broken: ffmpeg does so each time. */
export function endOf(error: NodeJS.ErrnoException): string {
  const hasLeft = error.code === 'EPIPE' || error.code === 'ECONNRESET';
  return hasLeft ? 'the client has left' : `the connection broke: ${error.message}`;
}
