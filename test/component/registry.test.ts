// What holds for every component: folder = registry = document, a specification that is whole, and a life that can be
// begun and ended in any order. What a component does stands in its own tests.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import type { Intake } from '../../src/component/receiver.ts';
import type { AnyDefinition } from '../../src/component/registry.ts';
import { inputSchema, type JsonSchema } from '../../src/config/known-keys.ts';
import { type ReadResult, readConfig } from '../../src/config/read-config.ts';
import { gateSteps } from '../../src/connectors/steps.ts';
import { steps } from '../../src/processors/steps.ts';
import { registry } from '../../src/registry.ts';
import { rewriteOutcome } from '../../src/wire/rewriter.ts';
import { alwaysServing } from '../unit/component/always-serving.ts';
import { noExtensions } from '../unit/component/no-extensions.ts';
import { createStage } from '../wire/chain-support.ts';
import { sdkFixtures } from '../wire/sdk-fixtures.ts';

const root = join(import.meta.dirname, '../..');
const kinds = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const;
type Kind = (typeof kinds)[number];

const all = kinds.flatMap((kind) => registry[kind].map((definition: AnyDefinition) => ({ kind, definition })));
const log = pino({ level: 'silent' });

const indented = (yaml: string): string => yaml.replace(/^(?=.)/gm, '    ');

/** A whole file around the configuration of one component; the others are as plain as can be. */
function fileWith(kind: Kind, type: string, yaml: string): string {
  const own = (other: Kind, plain: string): string => (other === kind ? type : plain);
  const body = (other: Kind, plain: string): string =>
    other === kind ? `  ${type}:\n${indented(yaml)}\n` : `  ${plain}\n`;
  return [
    `receivers:\n${body('receivers', 'otlp: { protocols: { grpc: } }')}`,
    `exporters:\n${body('exporters', 'nop:')}`,
    kind === 'processors' ? `processors:\n${body('processors', '')}` : '',
    kind === 'connectors' ? `connectors:\n${body('connectors', '')}` : '',
    kind === 'extensions' ? `extensions:\n${body('extensions', '')}` : '',
    'service:\n',
    kind === 'extensions' ? `  extensions: [${type}]\n` : '',
    '  pipelines:\n    traces:\n',
    `      receivers: [${own('receivers', 'otlp')}]\n`,
    `      processors: [${kind === 'processors' ? type : ''}]\n`,
    `      exporters: [${own('exporters', kind === 'connectors' ? type : 'nop')}]\n`,
    kind === 'connectors' ? behind(type, yaml) : '',
  ].join('');
}

/** The pipelines that a connector names, or one if it names none. */
function behind(type: string, yaml: string): string {
  const named = new Set(yaml.match(/traces\/\w+/g) ?? ['traces/behind']);
  return [...named].map((id) => `    ${id}:\n      receivers: [${type}]\n      exporters: [nop]\n`).join('');
}

const read = (text: string): ReadResult =>
  readConfig({ files: ['test.yaml'], sets: [], env: {}, readFile: () => text, registry, cores: 2 });

/** The parsed configuration of a component, through the real loader. */
function configOf(kind: Kind, { type }: AnyDefinition, yaml: string): unknown {
  const { config, errors } = read(fileWith(kind, type, yaml));
  assert.ok(config, errors.map(({ code, message }) => `${code} ${message}`).join('\n'));
  const list = kind === 'processors' ? config.pipelines[0].processors : config[kind];
  return list.find(({ id }) => id === type)?.config;
}

const exampleConfig = (kind: Kind, definition: AnyDefinition, index: number): unknown =>
  configOf(kind, definition, definition.examples[index].yaml);

/** Every named field of a configuration with its path. */
function fieldsOf(schema: JsonSchema, path: string): { path: string; field: JsonSchema }[] {
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  for (const inner of [schema.items, schema.additionalProperties]) if (typeof inner === 'object') parts.push(inner);
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, field]) => [
    { path: `${path}.${key}`, field },
    ...fieldsOf(field, `${path}.${key}`),
  ]);
  return [...own, ...parts.flatMap((part) => fieldsOf(part, path))];
}

describe('folder = registry = document', () => {
  for (const kind of kinds) {
    test(`every folder of ${kind} is in the registry, and nothing else is, in the order of the alphabet`, () => {
      const folders = readdirSync(join(root, 'src', kind), { withFileTypes: true }).filter((one) => one.isDirectory());
      const names = folders.map(({ name }) => name).sort();
      assert.deepEqual(
        registry[kind].map(({ type }) => type),
        names,
      );
      for (const name of names) assert.ok(existsSync(join(root, 'src', kind, name, 'index.ts')), `${kind}/${name}`);
    });
  }

  test('every component has a page in docs/components, which docs/components.md names, and nothing else has', () => {
    const index = readFileSync(join(root, 'docs/components.md'), 'utf8');
    const named = [...index.matchAll(/\]\((components\/\S+\.md)\)/g)].map(([, name]) => name);
    const pages = readdirSync(join(root, 'docs/components'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `components/${name}`);
    const wanted = all.map(({ kind, definition }) => `components/${kind}/${definition.type}.md`);
    assert.deepEqual(named, wanted);
    assert.deepEqual(pages.sort(), wanted.toSorted());
  });

  test('every component has a test that imports it', () => {
    const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.startsWith('component/'))
      .map((file) => readFileSync(join(root, 'test', file), 'utf8'))
      .join('\n');
    const untested = all.filter(({ kind, definition }) => !tests.includes(`src/${kind}/${definition.type}/`));
    assert.deepEqual(
      untested.map(({ kind, definition }) => `${kind}/${definition.type}`),
      [],
    );
  });

  test('workers have the step of every processor and gate that runs in them, and no other', () => {
    const gates = registry.connectors.flatMap(({ gate }) => gate?.definition ?? []);
    const running = [...registry.processors, ...gates].flatMap((one) => ('compile' in one ? [one] : []));
    const [has, wanted] = [[...steps, ...gateSteps], running].map((list) =>
      list.map(({ type, compile, metrics, dropMetric }) => ({ type, compile, metrics, dropMetric })),
    );
    assert.deepEqual(has, wanted);
  });

  test('no name means two components of a kind', () => {
    for (const kind of kinds) {
      const names = registry[kind].flatMap(({ type, aliases }) => [type, ...aliases]);
      assert.equal(new Set(names).size, names.length, names.join(' '));
    }
  });
});

for (const { kind, definition } of all) {
  describe(`the specification of ${kind}/${definition.type}`, () => {
    test('says in a sentence what it is, and shows at least one example', () => {
      assert.match(definition.summary, /^[A-Z].*\.$/);
      assert.match(definition.type, /^[a-z][a-z0-9_]*$/);
      assert.ok(definition.examples.length > 0);
      for (const { title } of definition.examples) assert.match(title, /^[A-Z].*[^.]$/);
    });

    test('every example is a valid configuration', () => {
      for (const [index, { title }] of definition.examples.entries()) {
        assert.notEqual(exampleConfig(kind, definition, index), undefined, title);
      }
    });

    test('a default that is written out means what leaving it out means', () => {
      const plain = definition.examples[0].yaml.trim().replace(/^\{\}$/, '');
      const config = configOf(kind, definition, plain);
      for (const [key, field] of Object.entries(inputSchema(definition.config).properties ?? {})) {
        if (field.default === undefined || new RegExp(`^${key}:`, 'm').test(plain)) continue;
        const written = configOf(kind, definition, `${plain}\n${key}: ${JSON.stringify(field.default)}`.trim());
        assert.deepEqual(written, config, key);
      }
    });

    test('an unknown key is refused at its place, by its name', () => {
      const yaml = definition.examples[0].yaml.trim().replace(/^\{\}$/, '');
      const text = fileWith(kind, definition.type, `${yaml}\nno_such_key_anywhere: 1`.trim());
      const { errors } = read(text);
      const [issue] = errors;
      assert.equal(errors.length, 1, JSON.stringify(errors));
      assert.equal(issue.code, 'CONFIG_UNKNOWN_KEY');
      assert.match(issue.excerpt, /no_such_key_anywhere/);
      assert.match(issue.message, /no_such_key_anywhere/);
    });

    test('every field has a description', () => {
      const bare = fieldsOf(inputSchema(definition.config), '').filter(({ field }) => (field.description ?? '') === '');
      assert.deepEqual(
        bare.map(({ path }) => path),
        [],
      );
    });

    test('no block but those that are not built in takes keys that it does not know', () => {
      const schema = inputSchema(definition.config);
      const blocks = [{ path: '', field: schema }, ...fieldsOf(schema, '')].filter(({ field }) => field.properties);
      const open = blocks.filter(
        ({ field }) => field.additionalProperties !== false && !/not built in/i.test(String(field.description)),
      );
      assert.deepEqual(
        open.map(({ path }) => path),
        [],
      );
    });

    test('its metrics have names that Prometheus takes, and say what they count', () => {
      for (const { name, help, labels } of definition.metrics) {
        for (const word of [name, ...labels]) assert.match(word, /^[a-z][a-z0-9_]*$/);
        assert.match(help, /^[A-Z]/, name);
      }
    });
  });
}

/** An intake that nothing comes out of. */
const intake: Intake = {
  memory: Buffer.alloc(0),
  largestBytes: 1,
  reserve: () => null,
  reserveLater: () => Promise.resolve(null),
  submit: () => assert.fail('nothing was received'),
  release: () => assert.fail('nothing was reserved'),
  refuse: () => ({ kind: 'overloaded', message: '', retryDelayMs: 0 }),
  rejected: () => assert.fail('nothing was received'),
  over: () => intake,
};

interface Living {
  start?(): Promise<void>;
  stop(): Promise<void>;
}

function create(definition: AnyDefinition, config: unknown): Living | null {
  const host = { id: definition.type, log, extensions: noExtensions };
  switch (definition.kind) {
    case 'receiver':
      return definition.create(config, { ...host, intake, serving: alwaysServing });
    case 'exporter':
      return definition.create(config, host);
    case 'extension':
      return definition.create(config, { ...host, state: () => 'ready', health: () => assert.fail('nobody asked') });
    // They run in workers, or nowhere.
    case 'processor':
    case 'connector':
      return null;
  }
}

describe('the life of a component', () => {
  let home = '';
  let folder = '';
  before(() => {
    home = process.cwd();
    folder = mkdtempSync(join(tmpdir(), 'spanmill-component-'));
    // Where a file would appear, if one were made too early.
    process.chdir(folder);
    chmodSync(folder, 0o700);
  });
  after(() => {
    process.chdir(home);
    rmSync(folder, { recursive: true });
  });

  for (const { kind, definition } of all) {
    if (definition.kind === 'processor' || definition.kind === 'connector') continue;
    for (const [index, { title }] of definition.examples.entries()) {
      test(`${kind}/${definition.type} (${title}): creating opens nothing; stopping is fine before start and twice`, async () => {
        const config = exampleConfig(kind, definition, index);
        const open = process.getActiveResourcesInfo().sort();
        const component = create(definition, config);
        assert.ok(component);
        assert.deepEqual(process.getActiveResourcesInfo().sort(), open, 'create opened something');
        assert.deepEqual(readdirSync(folder), [], 'create made a file');
        if ('addresses' in component) assert.deepEqual((component as { addresses(): string[] }).addresses(), []);
        await component.stop();
        await component.stop();
        assert.deepEqual(readdirSync(folder), [], 'stop made a file');
      });
    }
  }
});

describe('the account of a processor', () => {
  for (const definition of registry.processors) {
    for (const [index, { title }] of definition.examples.entries()) {
      const name = `${definition.type} (${title})`;
      if (definition.role === 'spans') {
        test(`${name}: every span of a real SDK goes on or is counted as dropped`, () => {
          const stage = createStage([definition], [exampleConfig('processors', definition, index)]);
          for (const fixture of sdkFixtures) {
            const run = stage.run(fixture.protobuf, { normalise: true });
            assert.equal(run.outcome, rewriteOutcome.written, run.message);
            const counts = stage.counters();
            const dropped = stage.chain.counters.map((spec, i) => (spec.kind === 'dropped' ? counts[i] : 0));
            assert.ok(run.spansIn > 0, fixture.name);
            const accounted = dropped.reduce((sum, n) => sum + n, run.spansOut);
            assert.equal(run.spansIn, accounted, fixture.name);
          }
          for (const spec of stage.chain.counters) {
            if (spec.kind !== 'metric') continue;
            const declared = definition.metrics.find((metric) => metric.name === spec.metric);
            assert.ok(declared, `${spec.metric} is not declared`);
          }
        });
      } else if (definition.role === 'batch') {
        test(`${name}: its limits can be kept`, () => {
          const options = definition.batching(exampleConfig('processors', definition, index));
          assert.ok(options.maxSpans === 0 || options.maxSpans >= options.minSpans, JSON.stringify(options));
          assert.ok(options.timeoutMs >= 0 && options.metadataCardinalityLimit >= 0);
        });
      } else if (definition.role === 'traces') {
        test(`${name}: it holds at least one trace, for a time`, () => {
          const { waitMs, maxTraces } = definition.holding(exampleConfig('processors', definition, index));
          assert.ok(waitMs >= 0 && Number.isInteger(maxTraces) && maxTraces > 0, `${waitMs} ms, ${maxTraces}`);
        });
      } else {
        test(`${name}: its budget is a whole number of bytes and less than the machine has`, () => {
          const total = 8 * 2 ** 30;
          const budget = definition.budgetBytes(exampleConfig('processors', definition, index), total);
          assert.ok(Number.isInteger(budget) && budget > 0 && budget < total, String(budget));
        });
      }
    }
  }
});
