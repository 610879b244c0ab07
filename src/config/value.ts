// The types of values that stand in configuration files.
import { isIPv4, isIPv6 } from 'node:net';
import { isAbsolute } from 'node:path';
import { ConfigError } from '../errors.ts';
import type { Unit, Value } from './element.ts';
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
    expected: 'host:port,port… (port 0: any that is free), or nothing: nowhere',
    takesEmpty: true,
    parse: (text) => (text === '' ? [] : value.parse(text)),
  };
}

/** One place of another server; undefined: none. `defaultPort` where the text names none. */
export function placeOrNowhere(
  defaultPort: number,
): Value<{ readonly host: string; readonly port: number } | undefined> {
  const expected = 'host:port, or nothing: nowhere';
  return {
    expected,
    takesEmpty: true,
    parse(text) {
      if (text === '') return undefined;
      const [place, another] = parseHostPort(text, defaultPort);
      if (!place || another || place.secure || place.port === 0) throw unexpected(expected);
      return { host: place.host ?? '127.0.0.1', port: place.port };
    },
  };
}

/** FMS: characters that a path may not have at that place are others there. */
export const nodeId: Value<string> = {
  expected: 'up to 9 letters, digits and - _ . /, or nothing',
  takesEmpty: true,
  parse(text) {
    if (!/^[\w./-]{0,9}$/.test(text)) throw unexpected(nodeId.expected);
    return text.replaceAll('.', '_').replaceAll('/', '-');
  },
};

/** Names with commas between them, in lower case. */
export function commaNames(expected: string): Value<readonly string[]> {
  return {
    expected,
    takesEmpty: true,
    parse: (text) =>
      text
        .toLowerCase()
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
  };
}

/** Any text, the empty one too. */
export function text(expected: string): Value<string> {
  return { expected, takesEmpty: true, parse: (value) => value };
}

/** What is to be run, as its arguments. */
export const commandWords: Value<readonly string[]> = {
  expected: 'the absolute path of a program and its arguments, separated by spaces, or nothing',
  takesEmpty: true,
  parse(text) {
    const words = text.split(/\s+/).filter((word) => word !== '');
    if (words.length > 0 && !isAbsolute(words[0]!)) throw unexpected(commandWords.expected);
    return words;
  },
};

/** `virtual;physical`. Undefined: nothing. */
export const virtualFolder: Value<{ readonly prefix: string; readonly folder: string } | undefined> = {
  expected: 'a prefix of names, ; and a folder, such as films;/srv/films, or nothing',
  takesEmpty: true,
  parse(value) {
    if (value.trim() === '') return undefined;
    const [prefix, folder, ...more] = value.split(';').map((part) => part.trim());
    if (prefix === undefined || !folder || more.length > 0) throw unexpected(virtualFolder.expected);
    return { prefix: prefix.replace(/^\/+|\/+$/g, ''), folder };
  },
};

/** Names with `;` between them; blanks around them and empty ones do not count. */
export function names(expected: string, takesEmpty = false): Value<readonly string[]> {
  return {
    expected,
    takesEmpty,
    parse: (value) =>
      value
        .split(';')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
  };
}

/** `api.example.com, *.example.com:8443, *`: what scripts may connect to. */
export const hostPatterns: Value<readonly string[]> = {
  expected:
    'host names, separated by commas, each with :port if the port is not the default; * is any host, *.domain any ' +
    'subdomain',
  takesEmpty: true,
  parse(value) {
    const items = value.split(',').map((item) => item.trim().toLowerCase());
    const given = items.filter((item) => item !== '');
    const pattern = /^(\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:(\d{1,5}|\*))?$/;
    const wrong = given.find((item) => !pattern.test(item));
    if (wrong !== undefined) throw unexpected(`${hostPatterns.expected}; not ${wrong}`);
    return given;
  },
};

/** `10.0.0.0/8, ::1` */
export const subnets: Value<readonly { readonly address: string; readonly prefix: number }[]> = {
  expected: 'IP addresses or networks (10.0.0.0/8), separated by commas',
  takesEmpty: true,
  parse(value) {
    const items = value.split(',').map((item) => item.trim());
    return items
      .filter((item) => item !== '')
      .map((item) => {
        const [, address = '', prefix] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(item) ?? [];
        const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0;
        const length = prefix === undefined ? bits : Number(prefix);
        if (bits === 0 || length > bits) throw unexpected(`${subnets.expected}; not ${item}`);
        return { address, prefix: length };
      });
  },
};

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

export const enabled: Value<boolean> = {
  expected: 'enable or disable',
  takesEmpty: false,
  parse(value) {
    const lower = value.toLowerCase();
    if (lower !== 'enable' && lower !== 'disable') throw unexpected('enable or disable');
    return lower === 'enable';
  },
};

/** `hh:mm`, or a number of minutes. */
export const timeOrMinutes: Value<{ readonly hour: number; readonly minute: number } | number> = {
  expected: 'hh:mm with daily; a whole number of minutes from 1 to 10080 with duration',
  takesEmpty: false,
  parse(value) {
    const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(value) ?? [];
    if (hour !== undefined && minute !== undefined) return { hour: Number(hour), minute: Number(minute) };
    const minutes = /^\d{1,5}$/.test(value) ? Number(value) : 0;
    if (minutes < 1 || minutes > 10080) throw unexpected(timeOrMinutes.expected);
    return minutes;
  },
};

/** Between the fields of a line. */
export const separator: Value<string> = {
  expected: 'a character other than a letter, a digit and \' " . : - \\, or nothing: a tab',
  takesEmpty: true,
  parse(value) {
    if (value === '') return '\t';
    if (!/^[^\p{L}\p{N}\p{C}'".:\\-]$/u.test(value)) throw unexpected(separator.expected);
    return value;
  },
};

export function fileName(expected: string): Value<string> {
  return {
    expected,
    takesEmpty: false,
    parse(value) {
      if (/[/\\\p{C}]/u.test(value) || value.startsWith('.')) throw unexpected(expected);
      return value;
    },
  };
}

/** As chmod and umask write rights. */
export const octal: Value<number> = {
  expected: 'three or four octal digits, such as 022',
  takesEmpty: false,
  parse(value) {
    if (!/^0?[0-7]{3}$/.test(value)) throw unexpected(octal.expected);
    return Number.parseInt(value, 8);
  },
};

export function whole(min: number, max: number): Value<number> {
  return inRange(`a whole number from ${min} to ${max}`, min, max, 1);
}

export function bytes(min: number, max: number): Value<number, 'Bytes'> {
  return { ...inRange(`a whole number of bytes from ${min} to ${max}`, min, max, 1), unit: 'Bytes' };
}

export function kilobytes(min: number, max: number): Value<number, 'Bytes'> {
  return {
    ...inRange(`a whole number of kilobytes (1024 bytes) from ${min} to ${max}`, min, max, 1024),
    unit: 'Bytes',
  };
}

export function milliseconds(min: number, max: number): Value<number, 'Ms'> {
  return { ...inRange(`a whole number of milliseconds from ${min} to ${max}`, min, max, 1), unit: 'Ms' };
}

export function seconds(min: number, max: number): Value<number, 'Ms'> {
  return { ...inRange(`a whole number of seconds from ${min} to ${max}`, min, max, 1000), unit: 'Ms' };
}

export function minutes(min: number, max: number): Value<number, 'Ms'> {
  return { ...inRange(`a whole number of minutes from ${min} to ${max}`, min, max, 60_000), unit: 'Ms' };
}

/** Seconds with a fraction. */
export function fractionsOfSeconds(min: number, max: number): Value<number, 'Ms'> {
  const expected = `a number of seconds from ${min} to ${max}`;
  return {
    unit: 'Ms',
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
export function orElse<T, E, U extends Unit>(
  value: Value<T, U>,
  word: string,
  meaning: string,
  other: E,
): Value<T | E, U> {
  const expected = `${value.expected}, or ${word || 'nothing'}: ${meaning}`;
  return {
    ...value,
    expected,
    takesEmpty: value.takesEmpty || word === '',
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
