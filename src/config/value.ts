// The types of values that stand in configuration files.
import { ConfigError } from '../errors.ts';
import type { Value } from './element.ts';
import { type ListenAddress, parseHostPort } from './hostport.ts';

/** Several addresses on one line; `defaultPort` where the text names none. */
export function hostPort(defaultPort: number): Value<readonly ListenAddress[]> {
  return {
    expected: 'host:port,port… (a minus before a port: TLS; port 0: any that is free)',
    takesEmpty: false,
    parse: (text) => parseHostPort(text, defaultPort),
  };
}

export function hostPortOrNowhere(defaultPort: number): Value<readonly ListenAddress[]> {
  const value = hostPort(defaultPort);
  return {
    expected: `${value.expected}, or nothing: nowhere`,
    takesEmpty: true,
    parse: (text) => (text === '' ? [] : value.parse(text)),
  };
}

/** Any text, the empty one too. */
export function text(expected: string): Value<string> {
  return { expected, takesEmpty: true, parse: (value) => value };
}

/** Items between separators; blanks around them and empty items do not count. */
export function texts(separator: ',' | ';', expected: string): Value<readonly string[]> {
  return {
    expected,
    takesEmpty: true,
    parse: (value) =>
      value
        .split(separator)
        .map((item) => item.trim())
        .filter((item) => item !== ''),
  };
}

export function choice<const T extends string>(...choices: T[]): Value<T> {
  const expected = `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
  return {
    expected,
    takesEmpty: false,
    parse(value) {
      const found = choices.find((one) => one.toLowerCase() === value.toLowerCase());
      if (found === undefined) throw unexpected(expected);
      return found;
    },
  };
}

export const trueOrFalse: Value<boolean> = {
  expected: 'true or false',
  takesEmpty: false,
  parse(value) {
    const lower = value.toLowerCase();
    if (lower !== 'true' && lower !== 'false') throw unexpected('true or false');
    return lower === 'true';
  },
};

export function whole(min: number, max: number): Value<number> {
  return inRange(`a whole number from ${min} to ${max}`, min, max, 1);
}

export function bytes(min: number, max: number): Value<number> {
  return inRange(`a whole number of bytes from ${min} to ${max}`, min, max, 1);
}

export function kilobytes(min: number, max: number): Value<number> {
  return inRange(`a whole number of kilobytes (1024 bytes) from ${min} to ${max}`, min, max, 1024);
}

export function milliseconds(min: number, max: number): Value<number> {
  return inRange(`a whole number of milliseconds from ${min} to ${max}`, min, max, 1);
}

export function seconds(min: number, max: number): Value<number> {
  return inRange(`a whole number of seconds from ${min} to ${max}`, min, max, 1000);
}

export function minutes(min: number, max: number): Value<number> {
  return inRange(`a whole number of minutes from ${min} to ${max}`, min, max, 60_000);
}

/** Seconds with a fraction. */
export function fractionsOfSeconds(min: number, max: number): Value<number> {
  const expected = `a number of seconds from ${min} to ${max}`;
  return {
    expected,
    takesEmpty: false,
    parse(value) {
      const n = /^\d{1,9}(\.\d{1,3})?$/.test(value) ? Number(value) : NaN;
      if (!(n >= min && n <= max)) throw unexpected(expected);
      return Math.round(n * 1000);
    },
  };
}

/** `word` for the number that stands for something else, such as -1: never. */
export function orElse<T, E>(value: Value<T>, word: string, meaning: string, other: E): Value<T | E> {
  const expected = `${value.expected}, or ${word}: ${meaning}`;
  return {
    expected,
    takesEmpty: value.takesEmpty,
    parse(given) {
      if (given === word) return other;
      try {
        return value.parse(given);
      } catch (error) {
        throw error instanceof ConfigError ? unexpected(expected) : error;
      }
    },
  };
}

function inRange(expected: string, min: number, max: number, unit: number): Value<number> {
  return {
    expected,
    takesEmpty: false,
    parse(value) {
      const n = /^-?\d{1,15}$/.test(value) ? Number(value) : NaN;
      if (!(n >= min && n <= max)) throw unexpected(expected);
      return n * unit;
    },
  };
}

function unexpected(expected: string): ConfigError {
  return new ConfigError('ERR_CONFIG_VALUE', `expected ${expected}`);
}
