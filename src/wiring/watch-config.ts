// conf/ while the server runs: what counts at once is passed on, and the log says what waits for the next start.
import type { Clock } from '../clock.ts';
import { pendingText } from '../config/changes.ts';
import type { Config } from '../config/config.ts';
import type { Symbols } from '../config/symbols.ts';
import { ConfigWatch } from '../config/watch.ts';
import type { Log } from '../log/log.ts';

/** What a virtual host takes up of it. */
export interface ConfiguredHost {
  readonly name: string;
  /** As conf/ has them now. */
  symbolsChanged(symbols: Symbols): void;
}

/** `load` reads conf/ again. `hosts`: in the order of the adaptors. */
export function watchConfig(
  config: Config,
  load: () => Config,
  hosts: readonly (readonly ConfiguredHost[])[],
  log: Log,
  clock: Clock,
): ConfigWatch {
  return new ConfigWatch({
    config,
    load,
    clock,
    onSymbols(next) {
      for (const [i, { name }] of config.adaptors.entries()) {
        const vhosts = next.adaptors.find((adaptor) => adaptor.name === name)?.vhosts ?? [];
        for (const host of hosts[i]!) {
          const vhost = vhosts.find((one) => one.name === host.name);
          if (vhost) host.symbolsChanged(vhost.defaults.symbols);
        }
      }
    },
    onPending(changes) {
      const settings = changes.map(({ file, setting }) => (setting === '' ? file : `${file}: ${setting}`));
      log.info({ event: 'config', settings }, pendingText(changes));
    },
    onMistake: ({ code, message }) =>
      log.error(
        { event: 'config', code },
        `${message}; the previous settings stay in effect, and the server cannot start with this file`,
      ),
    onError: (err) =>
      log.error({ event: 'config', err }, `changes of ${config.confDir} will not be noticed: ${err.message}`),
  });
}
