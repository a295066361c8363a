// The composition root: wires the command line, the runtime and its telemetry to the process. The only process.exit.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { runCli } from './cli.ts';
import { registry } from './registry.ts';
import { startService } from './service.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

process.exitCode = await runCli(process.argv.slice(2), {
  registry,
  version,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  readFile: (path) => readFileSync(path, 'utf8'),
  cores: availableParallelism(),
  startService: (config, options) => startService(config, options, version),
});
// Nothing may keep a process alive that has said how it ended.
process.exit();
