// The texts of `understudy --help` and `understudy COMMAND --help`.
import { UsageError } from './args.ts';

const OVERVIEW = `understudy: an RTMP server whose applications are scripts

  understudy start [--root DIR] [--set NAME=VALUE]… [--inspect[=NAME]]
                                                      run the server
  understudy init [DIR]                               create the folder of a server
  understudy new NAME [--root DIR]                    create an application
  understudy check [NAME] [--root DIR]                check scripts, their settings and conf/ for errors
  understudy test [NAME] [--watch] [--root DIR]       run the tests of applications
  understudy cert [NAME]… [--root DIR]                create a self-signed certificate for tests of TLS
  understudy user add|remove NAME [--root DIR]        manage the users that may publish
  understudy store NAME get|set|delete|list|export    read and change the application.store of an application

  understudy status [--json] [--root DIR]             show the state of the running server
  understudy errors [NAME] [--follow] [--root DIR]    show errors of scripts
  understudy reload NAME [--root DIR]                 restart an application
  understudy disconnect CLIENT [--root DIR]           disconnect a client
  understudy stop [--root DIR]                        stop the running server

  understudy --help, understudy COMMAND --help
  understudy --version

Without --root the root is the current folder or the nearest parent folder that has conf/ or applications/. If there is
none, the root is the folder where this package was cloned or installed.
`;

const COMMANDS: Readonly<Record<string, string>> = {
  start: `understudy start [--root DIR] [--set NAME=VALUE]… [--inspect[=NAME]]

Runs the server until Ctrl-C. When you save a script, the new version takes over at once; clients stay connected.

  --root DIR         the folder with conf/, applications/ and logs/ (default: see --help);
                     missing files have built-in defaults
  --set NAME=VALUE   a setting that overrides the one in conf/fms.ini, for example
                     --set ADAPTOR.HOSTPORT=127.0.0.1:0
  --inspect[=NAME]   let debuggers (Chrome, VS Code) attach to the scripts of all applications, or of one, at
                     127.0.0.1:9229, from this machine
`,
  init: `understudy init [DIR]

Creates the folder of a server: conf/ with every setting and its default, the sample application live, package.json, .gitignore, and
understudy.service, a unit for systemd. It overwrites nothing, and prints the files it wrote and the next step.

  DIR                the folder, new or existing (default: the current folder, which must be empty)
`,
  new: `understudy new NAME [--root DIR]

Creates the folder applications/NAME with a first script, main.ts, a test of it, and the settings that an editor needs to complete
and check it. A running server serves the application at once.

  --root DIR         the folder with applications/
`,
  check: `understudy check [NAME] [--root DIR]

Checks the script of an application, or of all applications, its settings and conf/. It finds errors of syntax and types, members of
Flash Media Server that Understudy does not have, and hosts, programs and secrets that a script uses without a grant. Prints
file:line:column of each error; exit code 1 if there is any. It does not run the scripts.

  --root DIR         the folder with applications/
`,
  test: `understudy test [NAME] [--watch] [--reporter spec|tap] [--only PATTERN]… [--root DIR]

Runs the tests of an application, *.test.ts in its folder, or of all applications. A test imports 'understudy/test' and drives the
script as clients do, without a server: see applications/README.md. Exit code 1 if a test fails.

The script runs in its sandbox. The tests do not: they and the packages that they import are Node.js programs with all permissions
of the user that runs them. Run tests only of applications whose authors you trust, or as an unprivileged user.

  --watch            run the tests again when a file of the application is saved
  --reporter         output format: spec (default) for people, tap for programs
  --only PATTERN     only tests whose names match a regular expression
  --root DIR         the folder with applications/
`,
  cert: `understudy cert [NAME]… [--root DIR]

Creates a self-signed certificate for tests of RTMPS, and prints the settings that use it. Names are host names and addresses; the
default is the names of this machine. An existing certificate is not replaced.

  --root DIR         the folder with conf/
`,
  user: `understudy user add NAME [--root DIR]
understudy user remove NAME [--root DIR]

Adds a user to conf/users, changes the password of a user, or removes a user. It asks for the password twice without showing it; if
standard input is not a terminal, its first line is the password. Encoders log in with rtmp://NAME:PASSWORD@host/live if
Authentication/Mode in Application.xml requires logins. Changes take effect at once in a running server.

  --root DIR         the folder with conf/
`,
  store: `understudy store NAME list [PREFIX] [--root DIR]
understudy store NAME get|delete KEY [--root DIR]
understudy store NAME set KEY JSON [--root DIR]
understudy store NAME export FILE [--root DIR]

Reads and changes the values in the application.store of an application, and exports a backup to a new file, an SQLite database.
The server may be running; scripts see a change with their next request.

  --root DIR         the folder with conf/ and applications/
`,
  status: `understudy status [--json] [--root DIR]

Shows the state of the running server of a folder: its traffic and its instances; for each stream its codecs, picture size, frame
rate, bitrates over the last ten seconds, publisher, players and restreams; and in red the applications that are quarantined
or have an error, with the reason. Like reload, disconnect and stop it uses the administration port. The server stores the
address and a token in run/admin.json, which only its owner can read.

  --json             the same as JSON, in the format of the administration API (/api/v1/openapi.json describes it)
  --root DIR         the folder that the server was started with
`,
  errors: `understudy errors [NAME] [--follow] [--root DIR]

Shows the errors of the script of an application, or of all applications: the last hundred of each, by file, line and column.

  -f, --follow       show further errors as they occur, until Ctrl-C
  --root DIR         the folder that the server was started with
`,
  reload: `understudy reload NAME [--root DIR]

Restarts an instance of an application with its current Application.xml and disconnects its clients. NAME is live, or live/room
for an instance other than _definst_. A changed script needs no reload: it takes effect when you save it.

  --root DIR         the folder that the server was started with
`,
  disconnect: `understudy disconnect CLIENT [--root DIR]

Disconnects a client. CLIENT is its ID, as in the logs.

  --root DIR         the folder that the server was started with
`,
  stop: `understudy stop [--root DIR]

Stops the running server gracefully, and waits until it has ended.

  --root DIR         the folder that the server was started with
`,
};

export function helpText(about: string | undefined): string {
  if (about === undefined) return OVERVIEW;
  const text = Object.hasOwn(COMMANDS, about) ? COMMANDS[about] : undefined;
  if (text === undefined) throw new UsageError(`unknown command '${about}'`);
  return text;
}
