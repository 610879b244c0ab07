// The texts of `understudy --help` and `understudy COMMAND --help`.
import { UsageError } from './args.ts';

const OVERVIEW = `understudy: an RTMP server whose applications are scripts

  understudy start [--root DIR] [--set NAME=VALUE]… [--inspect[=NAME]]
                                                      run the server
  understudy init [DIR]                               make the folder of a server
  understudy new NAME [--root DIR]                    make an application
  understudy check [NAME] [--root DIR]                look for mistakes in scripts, their settings and conf/
  understudy test [NAME] [--watch] [--root DIR]       run the tests of applications
  understudy cert [NAME]… [--root DIR]                make a certificate for trying out TLS
  understudy user add|remove NAME [--root DIR]        who may publish, where logins are asked for
  understudy store NAME get|set|delete|list|export    what an application has in application.store

  understudy status [--json] [--root DIR]             what the running server does
  understudy errors [NAME] [--follow] [--root DIR]    what has gone wrong in scripts
  understudy reload NAME [--root DIR]                 start an application anew
  understudy disconnect CLIENT [--root DIR]           disconnect a client
  understudy stop [--root DIR]                        stop the running server

  understudy --help, understudy COMMAND --help
  understudy --version

Without --root the root is the current folder or the nearest one above it that has conf/ or applications/, or where this
package was cloned or installed.
`;

const COMMANDS: Readonly<Record<string, string>> = {
  start: `understudy start [--root DIR] [--set NAME=VALUE]… [--inspect[=NAME]]

Runs the server until Ctrl-C. A script that is saved meanwhile takes over within a moment; nobody is disconnected.

  --root DIR         the folder with conf/, applications/ and logs/ (default: see --help);
                     what is missing there has built-in defaults
  --set NAME=VALUE   a setting, over the one in conf/fms.ini, for example
                     --set ADAPTOR.HOSTPORT=127.0.0.1:0
  --inspect[=NAME]   let debuggers (Chrome, VS Code) attach to the scripts of all applications, or of one, at
                     127.0.0.1:9229, from this machine
`,
  init: `understudy init [DIR]

Makes the folder of a server: conf/ with every setting and its default, the sample application live, package.json, .gitignore, and
understudy.service, a unit for systemd. It overwrites nothing, and says what it wrote and what to do next.

  DIR                the folder, new or not (default: the current one, which has to be empty)
`,
  new: `understudy new NAME [--root DIR]

Makes the folder applications/NAME with a first script, main.ts, a test of it, and the settings that an editor needs to complete and
check it. A running server serves it at once.

  --root DIR         the folder with applications/
`,
  check: `understudy check [NAME] [--root DIR]

Looks for mistakes in the script of an application, or of all, and in their settings and conf/: syntax, types, members of Flash Media
Server that are not there, hosts, programs and secrets that a script uses and that are not granted. Prints file:line:column of each
mistake; exit code 1 if there is any. It runs none of their code.

  --root DIR         the folder with applications/
`,
  test: `understudy test [NAME] [--watch] [--reporter spec|tap] [--only PATTERN]… [--root DIR]

Runs the tests of an application, *.test.ts in its folder, or those of all. A test imports 'understudy/test' and drives the
script as clients do, without a server: applications/README.md shows how. Exit code 1 if one fails.

The script runs in its sandbox. The tests do not: they are programs of Node.js with all rights of the user who runs them, and so are
the packages that they import. Run tests only of applications whose authors you trust, or as a user without rights.

  --watch            run them again whenever a file of the application is saved
  --reporter         how to say what became of them: spec, the default, is for people, tap for programs
  --only PATTERN     only tests whose names fit a pattern, a regular expression
  --root DIR         the folder with applications/
`,
  cert: `understudy cert [NAME]… [--root DIR]

Makes a certificate that nobody vouches for, good for trying out RTMPS, and says where to name it. Names are host names and
addresses; without any they are those of this machine. A certificate that is there already stays.

  --root DIR         the folder with conf/
`,
  user: `understudy user add NAME [--root DIR]
understudy user remove NAME [--root DIR]

Adds a user to conf/users or gives one a new password; or removes one. It asks for the password twice without showing it;
where standard input is no terminal, its first line is the password. Encoders log in with it, rtmp://NAME:PASSWORD@host/live,
where Authentication/Mode in Application.xml says so. A running server knows at once.

  --root DIR         the folder with conf/
`,
  store: `understudy store NAME list [PREFIX] [--root DIR]
understudy store NAME get|delete KEY [--root DIR]
understudy store NAME set KEY JSON [--root DIR]
understudy store NAME export FILE [--root DIR]

Reads and changes what the script of an application keeps in application.store, and writes a backup of it into a new file, an SQLite
database. The server may run meanwhile; scripts see a change with their next request.

  --root DIR         the folder with conf/ and applications/
`,
  status: `understudy status [--json] [--root DIR]

Shows what the running server of a folder does: its traffic and its instances; of each stream its codecs, picture size, frame
rate, bitrates over the last ten seconds, publisher, players and restreams; and in red the applications that are quarantined
or have a mistake, with the reason. Like reload, disconnect and stop it asks the port of the administration; the server leaves
its address and a token in run/admin.json, which its owner alone can read.

  --json             all of that for programs, as the administration has it (/api/v1/openapi.json describes it)
  --root DIR         the folder that the server was started with
`,
  errors: `understudy errors [NAME] [--follow] [--root DIR]

Shows what has gone wrong in the script of an application, or of all: the last hundred of each, by file, line and column.

  -f, --follow       go on with what goes wrong from now on, until Ctrl-C
  --root DIR         the folder that the server was started with
`,
  reload: `understudy reload NAME [--root DIR]

Stops an application's instance, disconnects its clients, and starts it anew with its Application.xml as it is now. NAME is
live, or live/room for another instance than _definst_. A changed script needs no reload: it acts when it is saved.

  --root DIR         the folder that the server was started with
`,
  disconnect: `understudy disconnect CLIENT [--root DIR]

Disconnects a client. CLIENT is its id, as in the logs.

  --root DIR         the folder that the server was started with
`,
  stop: `understudy stop [--root DIR]

Stops the running server in order, and waits until it has ended.

  --root DIR         the folder that the server was started with
`,
};

export function helpText(about: string | undefined): string {
  if (about === undefined) return OVERVIEW;
  const text = Object.hasOwn(COMMANDS, about) ? COMMANDS[about] : undefined;
  if (text === undefined) throw new UsageError(`unknown command '${about}'`);
  return text;
}
