// The command line: spanmill run | validate | schema | components | replay | ottl | version. Exit codes: 0, 1 a failure while running,
// 2 wrong usage or configuration. Nothing here touches the process: all of it comes in as `CliDeps`.
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import type { AnyDefinition, Registry } from './component/registry.ts';
import type { Environment } from './config/expand.ts';
import { fileSchema } from './config/file-schema.ts';
import { type ConfigReader, createConfigReader } from './config/read-config.ts';
import { renderIssues } from './config/render.ts';
import type { ResolvedConfig } from './config/resolved.ts';
import type { Issue } from './config/source.ts';
import { suggestion } from './config/suggest.ts';
import { SpanmillError } from './errors.ts';

/** Where the command line writes: process.stdout, process.stderr. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export interface RunningService {
  /** Resolves with the exit code once the service has stopped. */
  readonly done: Promise<number>;
}

export interface CliDeps {
  readonly registry: Registry;
  readonly version: string;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Environment;
  /** Text of a file; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
  /** Processors of the machine. */
  readonly cores: number;
  /** Starts the service. Rejects with a SpanmillError when it cannot start. */
  readonly startService: (config: ResolvedConfig, options: StartOptions) => Promise<RunningService>;
}

export interface StartOptions {
  /** For the debug log. */
  readonly notes: readonly Issue[];
  /** Has read the configuration that the service is to start with, and reads it again for a reload. */
  readonly reader: ConfigReader;
  /** Reload by itself when a file changes. */
  readonly watch: boolean;
}

interface Invocation {
  readonly config: readonly string[];
  readonly set: readonly string[];
  readonly watch: boolean;
  /** As they were given. */
  readonly args: readonly string[];
}

interface Command {
  readonly summary: string;
  /** Whether --config and --set belong to it. */
  readonly configured: boolean;
  /** Whether --watch does. */
  readonly watchable?: boolean;
  readonly details: readonly string[];
  /** It understands its arguments itself, --help too. */
  readonly ownArguments?: boolean;
  run(invocation: Invocation, deps: CliDeps): Promise<number> | number;
}

const USAGE = 2;
const OPTIONS = {
  config: { type: 'string', multiple: true },
  set: { type: 'string', multiple: true },
  watch: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const isColored = (output: Output, env: Environment): boolean => output.isTTY === true && (env.NO_COLOR ?? '') === '';

const usageError = (deps: CliDeps, message: string, command: string): number => {
  deps.stderr.write(`USAGE ${message}\nSee: spanmill ${command === '' ? '' : `${command} `}--help\n`);
  return USAGE;
};

/** Reads the configuration and shows what is wrong with it. */
const read = (invocation: Invocation, deps: CliDeps) => {
  const { registry, env, readFile, cores } = deps;
  const reader = createConfigReader({
    files: invocation.config,
    sets: invocation.set,
    env,
    readFile,
    registry,
    cores,
  });
  const result = reader.read();
  const issues = [...result.errors, ...result.warnings];
  deps.stderr.write(renderIssues(issues, isColored(deps.stderr, deps.env)));
  const { length } = result.errors;
  if (length > 0) deps.stderr.write(`${length} ${length === 1 ? 'problem' : 'problems'} in the configuration\n`);
  return { ...result, reader };
};

const failure = (error: unknown): string => {
  if (error instanceof SpanmillError) return `${error.code} ${error.message}`;
  return `INTERNAL ${error instanceof Error ? error.message : String(error)}`;
};

const runService = async (invocation: Invocation, deps: CliDeps): Promise<number> => {
  const { config, notes, reader } = read(invocation, deps);
  if (config === null) return USAGE;
  const service = await deps.startService(config, { notes, reader, watch: invocation.watch });
  return await service.done;
};

const validate = (invocation: Invocation, deps: CliDeps): number => {
  const { config } = read(invocation, deps);
  if (config === null) return USAGE;
  const ids = config.pipelines.map((pipeline) => pipeline.id).join(', ');
  deps.stdout.write(`The configuration is valid. Pipelines: ${ids}\n`);
  return 0;
};

const listed = (definitions: readonly AnyDefinition[]): unknown[] =>
  definitions
    .toSorted((a, b) => (a.type < b.type ? -1 : 1))
    .map(({ type, aliases, stability, summary }) => ({
      name: type,
      ...(aliases.length === 0 ? {} : { aliases: [...aliases] }),
      stability,
      summary,
    }));

const components = (_: Invocation, deps: CliDeps): number => {
  const { receivers, processors, exporters, connectors, extensions } = deps.registry;
  const list = {
    buildinfo: { command: 'spanmill', version: deps.version },
    receivers: listed(receivers),
    processors: listed(processors),
    exporters: listed(exporters),
    connectors: listed(connectors),
    extensions: listed(extensions),
  };
  deps.stdout.write(stringify(list, { lineWidth: 0 }));
  return 0;
};

const schema = (_: Invocation, deps: CliDeps): number => {
  deps.stdout.write(`${JSON.stringify(fileSchema(deps.registry), null, 2)}\n`);
  return 0;
};

// Loaded when it is asked for: the service needs none of it.
const replay = async ({ args }: Invocation, { registry, stdout, stderr }: CliDeps): Promise<number> =>
  await (await import('./replay/replay.ts')).replay(args, { registry, stdout, stderr });

const ottl = async ({ args }: Invocation, { stdout, stderr, env }: CliDeps): Promise<number> => {
  const { ottlCommand } = await import('./ottl-command/ottl-command.ts');
  return await ottlCommand(args, { stdout, stderr, color: isColored(stderr, env) });
};

const version = (_: Invocation, deps: CliDeps): number => {
  deps.stdout.write(`spanmill ${deps.version}\n`);
  return 0;
};

const COMMANDS: Readonly<Record<string, Command>> = {
  run: {
    summary: 'Runs the pipelines of a configuration until SIGTERM or SIGINT.',
    configured: true,
    watchable: true,
    details: [
      'Both signals drain: no new requests, what was accepted is exported, then the process ends.',
      'SIGHUP reads the configuration again: what it changes is changed without losing or refusing anything,',
      'and one that is wrong changes nothing.',
    ],
    run: runService,
  },
  validate: {
    summary: 'Checks a configuration and starts nothing.',
    configured: true,
    details: ['Every problem is shown at once, as file:line:column CODE message.'],
    run: validate,
  },
  schema: {
    summary: 'Prints the JSON Schema of a configuration file.',
    configured: false,
    details: [
      'For editors: save it, and name it in the first line of a file:',
      '  # yaml-language-server: $schema=spanmill.schema.json',
    ],
    run: schema,
  },
  components: {
    summary: 'Lists the components that are built in, as YAML.',
    configured: false,
    details: [],
    run: components,
  },
  replay: {
    summary: 'Sends dead-letter files, or any files of spans, to an endpoint.',
    configured: false,
    details: [],
    ownArguments: true,
    run: replay,
  },
  ottl: {
    summary: 'Tries an OTTL expression or statement on spans.',
    configured: false,
    details: [],
    ownArguments: true,
    run: ottl,
  },
  version: { summary: 'Prints the version.', configured: false, details: [], run: version },
};

const CONFIG_HELP = [
  '  --config FILE   A configuration file, or file:PATH, env:NAME or yaml:TEXT. Repeatable: later ones',
  '                  are merged over earlier ones (maps deep, everything else replaced).',
  '  --set a.b=c     Sets one value after all files, such as processors.batch.timeout=2s. Repeatable.',
];
const WATCH_HELP = '  --watch         Reads the configuration again whenever one of its files changes.';
const HELP_HELP = '  --help          Shows this.';

const overallHelp = (): string => {
  const lines = Object.entries(COMMANDS).map(([name, command]) => `  ${name.padEnd(11)} ${command.summary}`);
  return [
    'spanmill: receives OpenTelemetry spans, runs them through the pipelines of a YAML file, and forwards them.',
    '',
    'Usage: spanmill COMMAND [options]',
    '',
    ...lines,
    '',
    'spanmill COMMAND --help says more. Exit codes: 0, 1 failure while running, 2 wrong usage or configuration.',
    '',
  ].join('\n');
};

const commandHelp = (name: string, command: Command): string => {
  const usage = command.configured ? ' --config FILE… [--set a.b=c…]' : '';
  const details = command.details.length === 0 ? [] : ['', ...command.details];
  const options = [
    'Options:',
    ...(command.configured ? CONFIG_HELP : []),
    ...(command.watchable === true ? [WATCH_HELP] : []),
    HELP_HELP,
  ];
  return [`Usage: spanmill ${name}${usage}`, '', command.summary, ...details, '', ...options, ''].join('\n');
};

type Arguments =
  | { readonly kind: 'help' }
  | { readonly kind: 'run'; readonly invocation: Invocation }
  | { readonly kind: 'wrong'; readonly message: string };

/** `--flag value` and `--flag=value` alike; what is wrong is said with the nearest thing that is right. */
const parseCommandArgs = (args: readonly string[], command: Command): Arguments => {
  const config: string[] = [];
  const set: string[] = [];
  let watch = false;
  const flags = [
    ...(command.configured ? ['config', 'set'] : []),
    ...(command.watchable === true ? ['watch'] : []),
    'help',
  ];
  const { tokens } = parseArgs({
    args: [...args],
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === 'positional')
      return {
        kind: 'wrong',
        message: `unexpected argument "${token.value}"${command.configured ? '; a file is given as --config FILE' : ''}`,
      };
    if (token.kind !== 'option') continue;
    if (!flags.includes(token.name)) {
      const known = flags.map((flag) => `--${flag}`);
      return {
        kind: 'wrong',
        message: `unknown option ${token.rawName}${suggestion(token.rawName, known, 'options')}`,
      };
    }
    if (token.name === 'help') return { kind: 'help' };
    if (token.name === 'watch') {
      if (token.inlineValue === true) return { kind: 'wrong', message: '--watch takes no value' };
      watch = true;
      continue;
    }
    // parseArgs takes the next flag for a value (`--config --set a=b`); a value never begins with two dashes here.
    if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
      return { kind: 'wrong', message: `${token.rawName} needs a value` };
    }
    (token.name === 'config' ? config : set).push(token.value);
  }
  if (command.configured && config.length === 0) return { kind: 'wrong', message: '--config FILE is required' };
  return { kind: 'run', invocation: { config, set, watch, args } };
};

/** Runs one command; `argv` without the interpreter and the script. Resolves with the exit code, never rejects. */
export const runCli = async (argv: readonly string[], deps: CliDeps): Promise<number> => {
  const [name = '', ...rest] = argv;
  if (name === '--help' || name === '-h' || name === 'help') {
    deps.stdout.write(overallHelp());
    return 0;
  }
  if (name === '') {
    deps.stderr.write(overallHelp());
    return USAGE;
  }
  const command = Object.hasOwn(COMMANDS, name === '--version' ? 'version' : name)
    ? COMMANDS[name === '--version' ? 'version' : name]
    : undefined;
  if (command === undefined) {
    const kind = name.startsWith('-') ? 'a command comes first, found' : 'unknown command';
    return usageError(deps, `${kind} "${name}"${suggestion(name, Object.keys(COMMANDS), 'commands')}`, '');
  }
  const parsed: Arguments = command.ownArguments
    ? { kind: 'run', invocation: { config: [], set: [], watch: false, args: rest } }
    : parseCommandArgs(rest, command);
  if (parsed.kind === 'wrong') return usageError(deps, parsed.message, name);
  if (parsed.kind === 'help') {
    deps.stdout.write(commandHelp(name, command));
    return 0;
  }
  try {
    return await command.run(parsed.invocation, deps);
  } catch (error) {
    deps.stderr.write(`${failure(error)}\n`);
    return 1;
  }
};
