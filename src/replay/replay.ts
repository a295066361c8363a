// `spanmill replay`: sends files of spans to an OTLP endpoint, with the exporters of the service itself, and says for each file
// what became of it.
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pino } from 'pino';
import type { Exporter, ExporterDefinition, ExportResult } from '../component/exporter.ts';
import type { Registry } from '../component/registry.ts';
import { SpanmillError } from '../errors.ts';
import { splitInHalves, splitToLimits } from '../wire/cut/split.ts';
import { type ReplayOptions, replayArguments, replayHelp } from './options.ts';
import { type Request, requestsOf } from './requests.ts';

interface Output {
  write(text: string): unknown;
}

export interface ReplayDeps {
  readonly registry: Pick<Registry, 'exporters'>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** All of it, for `-`. Default: of the process. */
  readonly stdin?: () => Promise<Buffer>;
  /** For each request. Default 30 s. */
  readonly timeoutMs?: number;
}

const usage = 2;
const defaultTimeoutMs = 30_000;
/** A peer that asks to come later is asked again so often. */
const mostAttempts = 5;
const longestWaitMs = 30_000;
/** Of one file, so many requests are cut: a peer that calls everything too large is not asked about each span. */
const mostCuts = 256;

/** Resolves with the exit code. Rejects with a SpanmillError only where nothing was begun. */
export async function replay(args: readonly string[], deps: ReplayDeps): Promise<number> {
  const parsed = replayArguments(args);
  if (parsed.kind === 'help') {
    deps.stdout.write(replayHelp);
    return 0;
  }
  const options = parsed.kind === 'options' ? parsed.options : null;
  const problem = options === null ? (parsed as { message: string }).message : endpointProblem(options, deps);
  if (options === null || problem !== null) {
    deps.stderr.write(`USAGE ${problem}\nSee: spanmill replay --help\n`);
    return usage;
  }
  const exporter = createExporter(options, deps);
  await exporter.start();
  try {
    return await new Replay(options, deps, exporter).run();
  } finally {
    await exporter.stop();
  }
}

function definitionFor({ protocol }: ReplayOptions, { registry }: ReplayDeps): ExporterDefinition {
  const type = protocol === 'grpc' ? 'otlp' : 'otlp_http';
  const definition = registry.exporters.find((one) => one.type === type);
  if (definition === undefined) throw new SpanmillError('INTERNAL', `there is no exporter ${type} to replay with`);
  return definition;
}

/** As it would stand under the exporter in a configuration. */
function exporterConfig({ protocol, endpoint, headers, insecure }: ReplayOptions): object {
  const common = { headers, compression: 'none' };
  const hasScheme = /^[a-z]+:\/\//i.test(endpoint);
  if (protocol === 'grpc') return { ...common, endpoint, tls: { insecure: insecure || /^http:/i.test(endpoint) } };
  return { ...common, endpoint: hasScheme ? endpoint : `${insecure ? 'http' : 'https'}://${endpoint}` };
}

function endpointProblem(options: ReplayOptions, deps: ReplayDeps): string | null {
  if (options.insecure && /^https:/i.test(options.endpoint)) return '--insecure and an https:// endpoint contradict';
  const definition = definitionFor(options, deps);
  const parsed = definition.config.safeParse(exporterConfig(options));
  const [issue] = parsed.success ? (definition.check?.(parsed.data) ?? []) : parsed.error.issues;
  return issue === undefined ? null : `--${String(issue.path[0] ?? 'endpoint').replace(/s$/, '')}: ${issue.message}`;
}

function createExporter(options: ReplayOptions, deps: ReplayDeps): Exporter {
  const definition = definitionFor(options, deps);
  const log = pino(
    { level: 'warn', base: null },
    { write: (line) => void deps.stderr.write(`note: ${(JSON.parse(line) as { msg: string }).msg}\n`) },
  );
  const extensions = {
    get(): never {
      throw new SpanmillError('INTERNAL', 'there are no extensions in a replay');
    },
  };
  return definition.create(definition.config.parse(exporterConfig(options)), { id: definition.type, log, extensions });
}

/** How the requests of a file ended. `unreachable`: so would those of the next. */
type Outcome = 'sent' | 'failed' | 'unreachable';

class Replay {
  readonly #options: ReplayOptions;
  readonly #deps: ReplayDeps;
  readonly #exporter: Exporter;
  #hasFailed = false;

  constructor(options: ReplayOptions, deps: ReplayDeps, exporter: Exporter) {
    this.#options = options;
    this.#deps = deps;
    this.#exporter = exporter;
  }

  async run(): Promise<number> {
    const files = await this.#files();
    if (files.length === 0 && !this.#hasFailed) {
      this.#fail(
        this.#options.files.join(' '),
        new SpanmillError('STORAGE', 'only notes of dead letters, and no spans'),
      );
    }
    for (const [index, file] of files.entries()) {
      const isThere = await this.#file(file);
      const left = files.length - index - 1;
      if (isThere || left === 0) continue;
      this.#deps.stderr.write(`${left} more ${left === 1 ? 'file was' : 'files were'} not tried\n`);
      break;
    }
    return this.#hasFailed ? 1 : 0;
  }

  /** Directories as the files of spans in them; without the notes that stand beside dead letters. */
  async #files(): Promise<string[]> {
    const files: string[] = [];
    for (const path of this.#options.files) {
      const isDirectory = path !== '-' && (await stat(path).catch(() => null))?.isDirectory() === true;
      if (!isDirectory) {
        if (!(await isNote(path))) files.push(path);
        continue;
      }
      const names = spanFiles(await readdir(path));
      if (names.length === 0) this.#fail(path, new SpanmillError('STORAGE', 'the directory has no file of spans'));
      files.push(...names.map((name) => join(path, name)));
    }
    return files;
  }

  /** False: nobody is there to send to. */
  async #file(path: string): Promise<boolean> {
    let requests: Request[];
    try {
      requests = requestsOf(await this.#read(path));
    } catch (error) {
      this.#fail(path, error);
      return true;
    }
    const { outcome, sent } = await this.#send(path, requests);
    if (outcome !== 'sent') return outcome !== 'unreachable';
    const spans = requests.reduce((sum, request) => sum + request.spans, 0);
    const parts = sent > 1 ? ` in ${sent} requests` : '';
    const removed = await this.#remove(path);
    this.#deps.stdout.write(`${path}: ${counted(spans, 'span')} sent${parts}${removed ? ', removed' : ''}\n`);
    return true;
  }

  async #read(path: string): Promise<Buffer> {
    if (path === '-') return await (this.#deps.stdin ?? (() => buffer(process.stdin)))();
    try {
      return await readFile(path);
    } catch (error) {
      throw new SpanmillError('STORAGE', `it cannot be read: ${(error as Error).message}`, { cause: error });
    }
  }

  /** All requests, unless nobody is there. What is too large for the peer goes in parts. */
  async #send(path: string, requests: readonly Request[]): Promise<{ outcome: Outcome; sent: number }> {
    const work = [...requests];
    let [sent, failed, cuts] = [0, 0, 0];
    let outcome: Outcome = 'sent';
    let why = '';
    for (let request = work.shift(); request !== undefined; request = work.shift()) {
      const result = await this.#request(request);
      if (result.kind === 'accepted') {
        sent++;
        continue;
      }
      const parts = result.kind === 'too_large' && cuts < mostCuts ? partsOf(request, result.limitBytes) : [];
      if (parts.length > 1) {
        cuts++;
        work.unshift(...parts);
        continue;
      }
      failed++;
      outcome = 'failed';
      why = reasonOf(result);
      if (result.kind !== 'retry') continue;
      outcome = 'unreachable';
      break;
    }
    if (outcome === 'sent') return { outcome, sent };
    const all = sent + failed + work.length;
    const some = sent > 0 ? `${sent} of ${all} requests were sent, and would be again; ` : '';
    this.#fail(path, new SpanmillError('EXPORT', some + why));
    return { outcome, sent };
  }

  async #request({ bytes, spans }: Request): Promise<ExportResult> {
    const batch = { spans, bytes: bytes.length, segments: [bytes], metadata: {} };
    for (let attempt = 1; ; attempt++) {
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort('timeout'), this.#deps.timeoutMs ?? defaultTimeoutMs);
      const result = await this.#exporter.export(batch, controller.signal);
      clearTimeout(timer);
      if (result.kind !== 'retry' || result.afterMs <= 0 || attempt === mostAttempts) return result;
      const { promise, resolve } = Promise.withResolvers<void>();
      setTimeout(resolve, Math.min(result.afterMs, longestWaitMs));
      await promise;
    }
  }

  async #remove(path: string): Promise<boolean> {
    if (!this.#options.remove || path === '-') return false;
    try {
      // The reason last: spans without it would come again as if nobody had looked at them.
      await rm(path);
      if (path.endsWith('.otlp')) await rm(noteOf(path), { force: true });
      return true;
    } catch (error) {
      this.#fail(path, new SpanmillError('STORAGE', `it was sent, but cannot be removed: ${(error as Error).message}`));
      return false;
    }
  }

  #fail(path: string, error: unknown): void {
    this.#hasFailed = true;
    const code = error instanceof SpanmillError ? error.code : 'INTERNAL';
    const text = error instanceof Error ? error.message : String(error);
    this.#deps.stderr.write(`${code} ${path}: ${text.replaceAll(/\s+/g, ' ')}\n`);
  }
}

/** `limitBytes`: what the peer says it takes; 0: it does not say. One or none: it cannot be cut. */
function partsOf({ bytes }: Request, limitBytes: number): Request[] {
  const limits = { maxBytes: limitBytes, maxSpans: Number.POSITIVE_INFINITY };
  const byLimit = limitBytes > 0 ? splitToLimits([bytes], limits) : [];
  const parts = byLimit.length > 1 ? byLimit : (splitInHalves([bytes]) ?? []);
  return parts.map(({ segments, spans }) => ({ bytes: Buffer.concat([...segments]), spans }));
}

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** Of a directory's names, in order: .otlp, .pb and .json, but for the reasons beside the first. */
function spanFiles(names: readonly string[]): string[] {
  const all = new Set(names);
  const isNoteName = (name: string): boolean => name.endsWith('.json') && all.has(name.replace(/\.json$/, '.otlp'));
  return names.filter((name) => /\.(?:otlp|pb|json)$/.test(name) && !isNoteName(name)).sort();
}

const noteOf = (path: string): string => path.replace(/\.otlp$/, '.json');

/** `dead-letter/*` names the reasons, too. */
async function isNote(path: string): Promise<boolean> {
  if (!path.endsWith('.json')) return false;
  return (await stat(path.replace(/\.json$/, '.otlp')).catch(() => null)) !== null;
}

function reasonOf(result: Exclude<ExportResult, { kind: 'accepted' }>): string {
  if (result.kind !== 'partial') return result.message;
  const text = result.message === '' ? '' : `: ${result.message}`;
  return `${counted(result.rejectedSpans, 'span')} ${result.rejectedSpans === 1 ? 'was' : 'were'} rejected${text}`;
}
