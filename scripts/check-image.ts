// Runs the steps of the Dockerfile by hand, each stage in a folder of its own that stands for its file system, then starts
// what the image would start, sends it a span with a real SDK, asks the health check, and ends it with SIGTERM. Only the
// base image is replaced: by the Node of this checkout, which has to be the version that FROM names.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { parse } from 'yaml';
import { type Copy, isIgnored, parseDockerfile, type Stage } from './dockerfile.ts';

const context = join(import.meta.dirname, '..');
const stages = parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'));
const ignoreFile = readFileSync(join(context, '.dockerignore'), 'utf8');
const work = mkdtempSync(join(tmpdir(), 'spanmill-image-'));
// The user of the image must be able to read it, as in a real one.
chmodSync(work, 0o755);
const base = join(work, 'base');
/** Of the user `node` in the base image. */
const nodeUser = 1000;
const limitMs = 60_000;

interface Built {
  readonly stage: Stage;
  /** Folder that stands for /. */
  readonly root: string;
  readonly workdir: string;
}

function layBase(): void {
  const { devDependencies } = JSON.parse(readFileSync(join(context, 'package.json'), 'utf8'));
  for (const { image } of stages) assert.equal(image, `node:${devDependencies.node}-slim`, `FROM ${image}`);
  assert.equal(process.versions.node, devDependencies.node, 'run this with the Node of node_modules/.bin');
  mkdirSync(base);
  copyFileSync(process.execPath, join(base, 'node'));
  chmodSync(join(base, 'node'), 0o755);
}

/** The base image's Node first, and nothing of the npm script that may have started this. */
function environment(stage: Stage): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|INIT_CWD)/.test(name));
  const path = (process.env.PATH ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
  // What npm has already fetched on this machine, another install need not fetch again.
  const npm = { npm_config_prefer_offline: 'true' };
  return { ...Object.fromEntries(kept), ...npm, PATH: [base, ...path].join(':'), ...stage.env };
}

function copy(step: Copy, to: Built, built: readonly Built[]): void {
  const source = step.from === null ? null : built.find(({ stage }) => stage.name === step.from);
  assert.notEqual(source, undefined, `COPY --from=${step.from}: there is no such stage`);
  const target = join(to.root, isAbsolute(step.target) ? '' : to.workdir, step.target);
  for (const path of step.sources) {
    const from = source ? join(source.root, path) : join(context, path);
    assert.ok(existsSync(from), `COPY ${path}: there is no such file`);
    if (!source) assert.ok(!isIgnored(ignoreFile, path), `COPY ${path}: .dockerignore keeps it out of the context`);
    const allowed = (one: string): boolean => source != null || !isIgnored(ignoreFile, relative(context, one));
    const intoFolder = step.target.endsWith('/') && statSync(from).isFile();
    cpSync(from, intoFolder ? join(target, basename(path)) : target, {
      recursive: true,
      verbatimSymlinks: true,
      filter: allowed,
    });
  }
}

function buildStage(stage: Stage, index: number, built: readonly Built[]): Built {
  let workdir = '/';
  const root = join(work, stage.name === '' ? `stage-${index}` : stage.name);
  mkdirSync(root);
  for (const step of stage.steps) {
    if (step.kind === 'workdir') {
      workdir = step.path;
      mkdirSync(join(root, workdir), { recursive: true });
    } else if (step.kind === 'copy') {
      copy(step, { stage, root, workdir }, built);
    } else {
      assert.ok(!/\s\/\w/.test(step.command), `RUN ${step.command}: an absolute path cannot be tried here`);
      console.log(`RUN ${step.command}`);
      const options = { cwd: join(root, workdir), env: environment(stage), stdio: 'inherit' } as const;
      const { status } = spawnSync('sh', ['-c', step.command], options);
      assert.equal(status, 0, `RUN ${step.command} failed`);
    }
  }
  return { stage, root, workdir };
}

/** Runs a command of the image in it: paths of the image become paths below its folder; root becomes the image's user. */
function spawnIn({ stage, root, workdir }: Built, command: readonly string[]): ChildProcess {
  const [program, ...args] = command.map((word) =>
    existsSync(join(root, word)) && isAbsolute(word) ? join(root, word) : word,
  );
  const user = process.getuid?.() === 0 && stage.user !== 'root' ? { uid: nodeUser, gid: nodeUser } : {};
  return spawn(program, args, {
    cwd: join(root, workdir),
    env: environment(stage),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  });
}

/** Free ports instead of those of the configuration, which something on this machine may use. */
const freePorts = [
  'receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0',
  'receivers.otlp.protocols.http.endpoint=127.0.0.1:0',
  'extensions.health_check.endpoint=127.0.0.1:0',
  'service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]',
].flatMap((set) => ['--set', set]);

/** The ports that the image says it opens are those of its configuration. */
function checkPorts({ stage, root }: Built): void {
  const file = stage.command.at(-1) ?? '';
  const { receivers, extensions, service } = parse(readFileSync(join(root, file), 'utf8'));
  const [reader] = service.telemetry.metrics.readers;
  const { host, port } = reader.pull.exporter.prometheus;
  const { grpc, http } = receivers.otlp.protocols;
  const addresses = [grpc.endpoint, http.endpoint, extensions.health_check.endpoint, `${host}:${port}`];
  assert.deepEqual(
    addresses,
    stage.ports.map((one) => `0.0.0.0:${one}`),
    `EXPOSE and ${file} differ`,
  );
}

async function sendSpan(address: string): Promise<void> {
  const exporter = new OTLPTraceExporter({ url: `http://${address}` });
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.getTracer('check-image').startSpan('a span through the image').end();
  await provider.forceFlush();
  await provider.shutdown();
}

async function healthStatus(image: Built, address: string): Promise<number> {
  const port = address.slice(address.lastIndexOf(':') + 1);
  const check = image.stage.healthCheck.map((word) => word.replaceAll('127.0.0.1:13133', `127.0.0.1:${port}`));
  const [code] = await once(spawnIn(image, check), 'close');
  return code;
}

interface Line {
  readonly msg?: string;
  readonly [field: string]: unknown;
}

/** Lines of the log one after another; `until` returns the first that fits and fails when the process ends before. */
function logOf(child: ChildProcess): { until(what: string, fits: (line: Line) => boolean): Promise<Line> } {
  assert.ok(child.stderr && child.stdout);
  child.stdout.pipe(process.stdout);
  const lines = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
  return {
    async until(what, fits) {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`the service ended before it said: ${what}`);
        console.log(value);
        const line: Line = value.startsWith('{') ? JSON.parse(value) : { msg: value };
        if (fits(line)) return line;
      }
    },
  };
}

async function tryImage(image: Built): Promise<void> {
  checkPorts(image);
  assert.ok(
    !existsSync(join(image.root, image.workdir, 'node_modules/typescript')),
    'dev dependencies are in the image',
  );
  assert.notEqual(image.stage.user, 'root');
  const child = spawnIn(image, [...image.stage.entrypoint, ...image.stage.command, ...freePorts]);
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const ended = once(child, 'close');
  try {
    const log = logOf(child);
    const { listening } = await log.until('ready', ({ msg }) => msg === 'spanmill is ready');
    const addressOf = (protocol: string): string =>
      (listening as string[]).find((one) => one.startsWith(`${protocol} `))?.slice(protocol.length + 1) ?? '';
    assert.equal(await healthStatus(image, addressOf('health')), 0, 'HEALTHCHECK fails while the service is ready');
    await sendSpan(addressOf('grpc'));
    await log.until('the span', (line) => JSON.stringify(line).includes('a span through the image'));
    child.kill('SIGTERM');
    const account = await log.until('the account', ({ msg }) => msg === 'account');
    assert.deepEqual([account.received, account.exported, account.remainder], [1, 1, 0]);
    const [code] = await ended;
    assert.equal(code, 0, 'SIGTERM has to end the service with exit code 0');
    assert.notEqual(await healthStatus(image, addressOf('health')), 0, 'HEALTHCHECK passes without a service');
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}

try {
  layBase();
  const built: Built[] = [];
  for (const [index, stage] of stages.entries()) built.push(buildStage(stage, index, built));
  const image = built.at(-1);
  assert.ok(image);
  await tryImage(image);
  console.log('The steps of the Dockerfile work: the image starts, takes a span, is healthy, and drains.');
} finally {
  rmSync(work, { recursive: true, force: true });
}
