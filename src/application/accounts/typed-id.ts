// Ids, tokens and passwords that people copy into a command line.

/** base64url of random bytes. It never begins with a dash: a command would take it for an option. */
export function typedId(random: Buffer): string {
  return random.toString('base64url').replace(/^-/, 'A');
}
