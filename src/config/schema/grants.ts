// What a script may reach outside the server: hosts, other RTMP servers, programs. Part of JSEngine in Application.xml.
import { group, leaf, list, unused } from '../element.ts';
import { execArgument } from '../exec-argument.ts';
import {
  fileName,
  fractionsOfSeconds,
  hostPatterns,
  kilobytes,
  orElse,
  subnets,
  text,
  whole,
} from '../value.ts';

const MAX_FETCH_KB = 8 * 1024;

export const grants = {
  Fetch: group('Hosts that fetch() in the script may reach. None are allowed until Hosts names them.', {
    Hosts: leaf(
      hostPatterns,
      '',
      'Allowed hosts, separated by commas: api.example.com, *.example.com (any subdomain), * (any). The ports ' +
        'are 80 and 443, unless an entry names one (:8080) or all (:*).',
    ),
    PrivateAddresses: leaf(
      subnets,
      '',
      'Exceptions for private addresses, for example 10.1.0.0/16, 127.0.0.1. Hosts whose names resolve to ' +
        'private networks or to this machine are refused, except for these addresses. Addresses that Hosts ' +
        'names literally are allowed.',
    ),
    TimeOut: leaf(
      fractionsOfSeconds(0.1, 300),
      '10',
      'Timeout for a request, from its start to the end of its response.',
    ),
    MaxSize: leaf(
      kilobytes(1, MAX_FETCH_KB),
      '1024',
      'Maximum size of a response, decompressed, and of a request body.',
    ),
    MaxRunning: leaf(
      whole(1, 1000),
      '16',
      'Maximum number of concurrent requests of one instance; more requests wait in a queue.',
    ),
  }),
  NetConnection: group(
    'Servers that NetConnection in the script may connect to, to send streams or to fetch them. None are ' +
      'allowed until Hosts names them.',
    {
      Hosts: leaf(
        hostPatterns,
        '',
        'Allowed hosts, separated by commas: live.example.com, *.example.com (any subdomain), * (any). The ' +
          'ports are 1935 for rtmp and 443 for rtmps, unless an entry names one (:1936) or all (:*). Scripts ' +
          'that connect to this server itself, by rtmp://localhost/… or rtmp:/…, need localhost here and ' +
          '127.0.0.1 in PrivateAddresses.',
      ),
      PrivateAddresses: leaf(
        subnets,
        '',
        'Exceptions for private addresses, for example 10.1.0.0/16, 127.0.0.1. Hosts whose names resolve to ' +
          'private networks or to this machine are refused, except for these addresses. Addresses that Hosts ' +
          'names literally are allowed.',
      ),
      TimeOut: leaf(
        fractionsOfSeconds(0.1, 300),
        '10',
        'Timeout for connecting, until the other server has answered.',
      ),
      MaxConnections: leaf(
        whole(1, 10000),
        '32',
        'Maximum number of concurrent connections of one instance.',
      ),
      ...unused('ObjectEncoding'),
    },
  ),
  Exec: list(
    group('A program that the script may run.', {
      '@name': leaf(
        fileName('a name'),
        'thumb',
        'Name of the program in the script, as in application.exec("thumb", { input: "show" }). The program ' +
          'runs in the folder of the application. When the instance ends, the server ends the program.',
        { isRequired: true },
      ),
      Program: leaf(
        text('a program, with its path or found through PATH'),
        'ffmpeg',
        'The program to run. It is started directly, without a shell.',
        { isRequired: true },
      ),
      Argument: list(
        leaf(
          execArgument,
          'streams/_definst_/{input}.flv',
          'One of its arguments. {input} is replaced by a value from the script: a plain name such as a/b or ' +
            'Ann’s show, without : @ = , | \\ < > and .., that does not begin with - + / ~ . or a space. ' +
            '{input:file} accepts the path of a file in the folder of the application or in the folders of its ' +
            'streams. {target:url} accepts an http, https, rtmp or rtmps URL on a host that Fetch or ' +
            'NetConnection allows. {size:small|large} accepts one of these words. {n:/\\d{1,3}/} accepts a value ' +
            'that the whole pattern matches.',
          { isSecret: true }, // it may be the address of a stream on another server, key and all
        ),
      ),
      TimeOut: leaf(
        orElse(fractionsOfSeconds(0.1, 86400), '0', 'none', undefined),
        '0',
        'Time after which the program is ended.',
      ),
      MaxRunning: leaf(
        whole(1, 1000),
        '4',
        'Maximum number of programs of one instance that run at the same time.',
      ),
    }),
    { key: '@name' },
  ),
};
