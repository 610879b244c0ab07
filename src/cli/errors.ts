// `understudy errors [NAME] [--follow]`: what has gone wrong in scripts, as the logs have it.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorRecord, formatError } from '../application/accounts/error-records.ts';
import { visibleLines } from '../log/visible.ts';
import { CommandError } from './args.ts';
import { Running } from './running.ts';

/** A server that ends the stream sooner is given such a time. */
const RETRY_MS = 1000;

/** With `follow` it ends when the server does: then a CommandError says so. */
export async function errors(
  root: string,
  application: string | undefined,
  follow: boolean,
  print: (line: string) => void,
): Promise<void> {
  const server = await Running.of(root);
  const query = application === undefined ? '' : `?application=${encodeURIComponent(application)}`;
  const known = (await server.ask('GET', `/errors${query}`)) as ErrorRecord[];
  if (known.length === 0 && application !== undefined) await requireKnown(server, application);
  for (const record of known) print(show(record));
  if (known.length === 0 && !follow) print('no errors');
  let last = known.at(-1)?.id ?? 0;
  while (follow) {
    const since = performance.now();
    for await (const { event, data } of server.listen(`/events${query}`, last)) {
      const value = JSON.parse(data);
      if (event === 'script-error') {
        last = Math.max(last, value.id);
        print(show(value));
      } else if (event === 'dropped') print(`… and ${value.count} more`);
    }
    if (performance.now() - since < RETRY_MS) await sleep(RETRY_MS);
  }
}

/** One that is gone may have errors all the same. */
async function requireKnown(server: Running, application: string): Promise<void> {
  const hosts = (await server.ask('GET', '/hosts')) as { adaptor: string; name: string }[];
  for (const { adaptor, name: vhost } of hosts) {
    const query = new URLSearchParams({ adaptor, vhost });
    const applications = (await server.ask('GET', `/applications?${query}`)) as { name: string }[];
    if (applications.some(({ name }) => name === application)) return;
  }
  throw new CommandError('ERR_CLI_NO_APPLICATION', `there is no application ${application}`);
}

/** Scripts and their clients have a say in it, and this is somebody's terminal. */
function show(record: ErrorRecord): string {
  const { lastTime, kind, instance } = record;
  const where = instance === undefined ? '' : ` ${record.application}/${instance}`;
  return visibleLines(`${lastTime} ${kind}${where}\n${formatError(record)}`);
}
