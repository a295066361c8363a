// Who may import whom. The folders of src/ stand in the order in which a span passes; what comes later is never imported by
// what comes earlier. Types cost nothing at run time and tie less: some are allowed where values are not.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const componentKinds = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'];

interface Rule {
  /** Other layers of which it may import anything. Its own is always allowed. */
  readonly may: readonly string[];
  /** Layers of which it may import types. */
  readonly types?: readonly string[];
  /** Modules of Node for which it is no place: what does I/O. */
  readonly pure?: boolean;
}

/** A layer is a folder of src/, one folder of a component, or a file that stands in src/ itself. */
const layers: Readonly<Record<string, Rule>> = {
  lib: { may: [], pure: true },
  'errors.ts': { may: [], pure: true },
  wire: { may: ['lib', 'errors.ts'] },
  ottl: { may: ['wire', 'lib', 'errors.ts'], pure: true },
  transport: { may: ['lib', 'errors.ts'] },
  // What several components share works on spans (span-matcher.ts), so that it needs the wire and what OTTL means by equal.
  component: { may: ['wire', 'ottl', 'lib', 'errors.ts'], pure: true },
  // Each of them; never another component.
  'a component': { may: ['component', 'wire', 'ottl', 'transport', 'lib', 'errors.ts'] },
  // The registry is passed in.
  config: { may: ['component', 'lib', 'errors.ts'], pure: true },
  telemetry: { may: ['transport', 'lib', 'errors.ts'], types: ['component', 'delivery', 'pipeline'] },
  delivery: { may: ['component', 'lib', 'errors.ts'], types: ['workers', 'pipeline', 'telemetry'] },
  workers: { may: ['component', 'wire', 'pipeline', 'lib', 'errors.ts'] },
  pipeline: { may: ['component', 'wire', 'workers', 'delivery', 'lib', 'errors.ts'], types: ['config'] },
  'processors/registry.ts': { may: ['component', 'a component'] },
  'connectors/registry.ts': { may: ['component', 'a component'] },
  // What a worker thread has of the components: how they run, without their schemas.
  'processors/steps.ts': { may: ['component', 'a component'] },
  'connectors/steps.ts': { may: ['component', 'a component'] },
  'registry.ts': { may: ['component', 'a component', 'processors/registry.ts', 'connectors/registry.ts'] },
  // Sends files of spans with the exporters that it is given.
  replay: { may: ['wire', 'errors.ts'], types: ['component'] },
  // Runs a rule in a stage as a worker has it.
  'ottl-command': { may: ['component', 'config', 'ottl', 'pipeline', 'replay', 'wire', 'workers', 'errors.ts'] },
  'cli.ts': { may: ['config', 'replay', 'ottl-command', 'errors.ts'], types: ['component'] },
  // What the process does beside its pipelines: reload, watch files, show numbers, keep what nobody takes.
  control: {
    may: ['delivery', 'telemetry', 'transport', 'lib', 'errors.ts'],
    types: ['component', 'config', 'pipeline'],
  },
  'service.ts': { may: ['pipeline', 'control', 'telemetry', 'errors.ts'], types: ['config', 'cli.ts'] },
  'main.ts': { may: ['cli.ts', 'registry.ts', 'service.ts'] },
};

/** Files that may do what their layer may not. */
const exceptions: readonly string[] = [
  // The entry of a worker thread, and it alone, knows which processors and gates of connectors there are.
  'src/workers/entry.ts > processors/steps.ts',
  'src/workers/entry.ts > connectors/steps.ts',
];

/** A third-party package as a value belongs to these places only; types of it may go anywhere. */
const packages: Readonly<Record<string, readonly string[]>> = {
  '@grpc/grpc-js': ['src/transport/grpc-js/', 'loadgen/client/'],
  '@opentelemetry/otlp-transformer': ['loadgen/', 'src/component/export-response.ts'],
  bcryptjs: ['src/extensions/basicauth/'],
  'fastest-levenshtein': ['src/lib/'],
  lmdb: ['src/extensions/file_storage/'],
  // replay/: an exporter wants a log, and a command line has no service's.
  pino: ['src/telemetry/', 'src/transport/text-output.ts', 'src/replay/'],
  piscina: ['src/workers/'],
  'prom-client': ['src/telemetry/'],
  protobufjs: ['src/wire/reference/'],
  re2js: ['src/lib/regexp/'],
  saxes: ['src/ottl/functions/'],
  'tough-cookie': ['src/transport/http-client/'],
  // Read as a file, to stand in the page.
  uplot: ['loadgen/report/'],
  xpath: ['src/ottl/functions/'],
  yaml: ['src/config/', 'src/cli.ts'],
  zod: [
    'src/component/',
    'src/config/',
    'src/ottl-command/',
    'bench/',
    'loadgen/',
    ...componentKinds.map((kind) => `src/${kind}/`),
  ],
};

const ioModules =
  /^node:(fs|fs\/promises|net|tls|dgram|http|https|http2|dns|dns\/promises|child_process|worker_threads|cluster)$/;

interface Import {
  readonly file: string;
  readonly target: string;
  readonly isType: boolean;
}

const importForms = [
  /^(?:import|export)\s+(type\s)?[^'";]*?from '([^']+)';/gm,
  /^import( )'([^']+)';/gm,
  /\bimport\(()'([^']+)'\)/g,
];

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  return importForms.flatMap((form) =>
    [...text.matchAll(form)].map(([, type, target]) => ({
      file,
      target: target.startsWith('.') ? join(dirname(file), target) : target,
      isType: type?.trim() === 'type',
    })),
  );
}

/** Layer of a file (`src/…`). A component is `receivers/otlp` and the like: each a layer of its own. */
function layerOf(file: string): string {
  const [, first, second, ...rest] = file.split('/');
  if (!componentKinds.includes(first)) return first;
  return rest.length === 0 ? `${first}/${second}` : `${first}/${second}/`;
}

const isComponent = (layer: string): boolean => layer.endsWith('/');
const ruleName = (layer: string): string => (isComponent(layer) ? 'a component' : layer);

function isAllowed({ file, target, isType }: Import): boolean {
  const [from, to] = [layerOf(file), layerOf(target)];
  if (from === to || exceptions.includes(`${file} > ${to}`)) return true;
  const rule = layers[ruleName(from)];
  return rule?.may.includes(ruleName(to)) || (isType && (rule?.types ?? []).includes(ruleName(to)));
}

const sources = globSync('{src,loadgen,bench}/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.as.ts'));
const imports = sources.flatMap(importsOf);
const ofSource = imports.filter(({ file }) => file.startsWith('src/'));
const shown = ({ file, target, isType }: Import): string => `${file} > ${isType ? 'type ' : ''}${target}`;

test('every file of src/ belongs to a layer that the table knows', () => {
  const unknown = sources.filter((file) => file.startsWith('src/') && layers[ruleName(layerOf(file))] === undefined);
  assert.deepEqual(unknown, []);
});

test('no file of src/ imports from a layer that its own may not import', () => {
  const inside = ofSource.filter(({ target }) => target.startsWith('src/'));
  assert.ok(inside.length > 200, `only ${inside.length} imports were found: the search is broken`);
  assert.deepEqual(inside.filter((one) => !isAllowed(one)).map(shown), []);
});

test('src/ imports nothing of the project from outside src/', () => {
  const relative = ofSource.filter(({ target }) => /\.ts$/.test(target) && !target.startsWith('src/'));
  assert.deepEqual(relative.map(shown), []);
});

test('the load generator shares with the service what reads and sends bytes, and what reads YAML; nothing else', () => {
  const yaml = 'config\\/(parse|source|check-schema|node|subject|suggest|render|scalar-offset)\\.ts$';
  const shared = new RegExp(
    `^(loadgen\\/|src\\/(errors\\.ts$|lib\\/|wire\\/|transport\\/|${yaml})|node:|@opentelemetry\\/|@grpc\\/grpc-js$|zod$)`,
  );
  const others = imports.filter(({ file, target }) => file.startsWith('loadgen/') && !shared.test(target));
  assert.deepEqual(others.map(shown), []);
});

/** All that is loaded with the file: files of src/, packages, and modules of Node. */
function loadedBy(file: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  for (const one of ofSource) if (one.file === file && !one.isType) loadedBy(one.target, loaded);
  return loaded;
}

test('a worker thread loads no schema, nothing of the I/O thread, and few packages', () => {
  const loaded = [...loadedBy('src/workers/entry.ts')];
  assert.ok(loaded.includes('src/processors/transform/transform.ts'), 'the search is broken');
  // saxes: once a rule asks for XML.
  assert.deepEqual(
    loaded.filter((one) => !/^(src\/|node:)/.test(one)),
    ['fastest-levenshtein', 're2js', 'saxes'],
  );
  assert.deepEqual(
    loaded.filter((one) => /^src\/(config|delivery|telemetry|transport)\/|^src\/[a-z]+\/[a-z_]+\/index\.ts$/.test(one)),
    [],
  );
});

test('node:http is only had without its namespace, which brings all of fetch with it (transport/node/http.ts)', () => {
  assert.deepEqual(ofSource.filter(({ target, isType }) => target === 'node:http' && !isType).map(shown), []);
});

test('layers that compute only do no I/O', () => {
  const pure = ofSource.filter(({ file, target, isType }) => {
    return !isType && layers[ruleName(layerOf(file))]?.pure === true && ioModules.test(target);
  });
  assert.deepEqual(pure.map(shown), []);
});

test('every third-party package is used in the places that are meant for it, and all are listed', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assert.deepEqual(Object.keys(packages), Object.keys(dependencies));
  const foreign = imports.filter(({ target, isType }) => !isType && !/^(node:|src\/|loadgen\/|bench\/)/.test(target));
  const misplaced = foreign.filter(({ file, target }) => {
    const name = Object.keys(packages).find((one) => target === one || target.startsWith(`${one}/`));
    return name === undefined || !packages[name].some((place) => file.startsWith(place));
  });
  assert.deepEqual(misplaced.map(shown), []);
});
