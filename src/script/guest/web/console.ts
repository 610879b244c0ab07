// trace() and console: to the application's log. Never throws, takes anything.
import { define, expose } from '../core/primordials.ts';
import { log } from '../core/report.ts';

const LEVELS = {
  log: 'info',
  info: 'info',
  dir: 'info',
  warn: 'warn',
  error: 'error',
  debug: 'debug',
  trace: 'debug',
} as const;

export function defineConsole(): void {
  expose('trace', (...values: unknown[]): void => log('info', values));
  const console = {};
  for (const [name, level] of Object.entries(LEVELS)) {
    define(console, name, (...values: unknown[]): void => log(level, values));
  }
  define(console, 'assert', (condition: unknown, ...values: unknown[]): void => {
    if (!condition) log('error', ['assertion failed:', ...values]);
  });
  expose('console', console);
}
