// The Collector's routing connector for traces: sends spans to pipelines by what they are.
import { z } from 'zod';
import { defineConnector, defineSpanProcessor } from '../../component/define.ts';
import { caseless, problem } from '../../component/fields.ts';
import { ruleErrorMetric } from '../../component/rule-faults.ts';
import { errorModes } from '../../ottl/error-mode.ts';
import { type GateConfig, gateMetadataKeys, gateTouches, routedMetric, routingGateStep } from './gate.ts';
import { adviseRouting, checkRouting, readTable } from './table.ts';

const route = z.strictObject({
  context: z
    .enum(['', 'resource', 'span', 'request', 'metric', 'datapoint', 'log'])
    .optional()
    .describe(
      'What the condition is about: resource sends all spans of a resource, span each by itself, request asks for a header. ' +
        'Absent or empty: what its paths name, and the resource where they name nothing. The others never match in a traces pipeline.',
    ),
  condition: z
    .string()
    .optional()
    .describe('An OTTL condition; with the context request: request["key"] == "value", or with !=.'),
  statement: z
    .string()
    .optional()
    .describe(
      'The older form of the condition: route() where …; or delete_key(…) and delete_matching_keys(…), which also do what they say.',
    ),
  action: z
    .enum(['move', 'copy'])
    .default('move')
    .describe('move: what matches is not tried on the routes behind; copy: it is, as if this route were not there.'),
  pipelines: z.array(z.string()).min(1).describe('Ids of pipelines, each of which receives from this connector.'),
});

const config = z.strictObject({
  error_mode: caseless(errorModes)
    .prefault('propagate')
    .describe(
      'What happens when a condition fails on an item: ignore logs it and tries the next route, silent does so without a ' +
        'log line, propagate refuses the request.',
    ),
  default_pipelines: z
    .array(z.string())
    .prefault([])
    .describe(
      'Where spans go that no route moves; none: those that take no route at all are dropped, and counted as no_route.',
    ),
  match_once: z
    .boolean()
    .refine(
      (once) => once,
      problem(
        'CONFIG_UNSUPPORTED',
        'false is gone, from the Collector too: the first route that matches decides; one with action: copy lets those behind it be tried as well',
      ),
    )
    .optional()
    .describe('Of files for Collectors before 0.120: only true, for that is how it is.'),
  table: z
    .array(route)
    .min(1)
    .describe('Routes, in the order in which they are tried: the first that matches decides.'),
});
export type Config = z.output<typeof config>;

const gate = defineSpanProcessor<GateConfig>({
  ...routingGateStep,
  kind: 'processor',
  role: 'spans',
  aliases: [],
  stability: 'beta',
  summary: 'Keeps what a routing table sends to a pipeline.',
  // Made from the configuration of the connector, which was checked.
  config: z.custom<GateConfig>(),
  traits: { mutates: true, drops: true },
  passes: (config) => [gateTouches(config)],
  metadataKeys: gateMetadataKeys,
  examples: [],
});

export const routing = defineConnector<Config>({
  kind: 'connector',
  type: 'routing',
  aliases: [],
  stability: 'beta',
  summary: 'Sends spans to pipelines by conditions on their resource, on themselves or on the request.',
  config,
  check: checkRouting,
  advise: adviseRouting,
  targets: ({ default_pipelines: defaults, table }) => [
    ...defaults.map((pipeline, i) => ({ path: ['default_pipelines', i], pipeline })),
    ...table.flatMap(({ pipelines }, r) =>
      pipelines.map((pipeline, i) => ({ path: ['table', r, 'pipelines', i], pipeline })),
    ),
  ],
  metadataKeys: (config) =>
    readTable(config).routes.flatMap(({ path, asked }) =>
      asked.of === 'request' ? [{ path: [...path, 'condition'], key: asked.condition.key }] : [],
    ),
  gate: {
    definition: gate,
    config: ({ table, default_pipelines, error_mode }, place) => ({ table, default_pipelines, error_mode, place }),
  },
  examples: [
    {
      title: 'By the resource',
      yaml:
        'default_pipelines: [traces/usual]\n' +
        'table:\n' +
        '  - context: resource\n' +
        '    condition: attributes["deployment.environment.name"] == "test"\n' +
        '    pipelines: [traces/test]',
    },
    {
      title: 'By a header of the request, and by each span, which the usual pipeline gets too',
      yaml:
        'error_mode: ignore\n' +
        'default_pipelines: [traces/usual]\n' +
        'table:\n' +
        '  - context: request\n' +
        '    condition: request["x-tenant"] == "acme"\n' +
        '    pipelines: [traces/acme]\n' +
        '  - context: span\n' +
        '    condition: attributes["gen_ai.request.model"] != nil\n' +
        '    action: copy\n' +
        '    pipelines: [traces/llm]',
    },
    {
      title: 'The older form; what is not of that service is dropped',
      yaml:
        'table:\n' +
        '  - statement: route() where attributes["service.name"] == "checkout"\n' +
        '    pipelines: [traces/checkout]',
    },
  ],
  metrics: [routedMetric, ruleErrorMetric],
});
