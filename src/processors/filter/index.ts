// The Collector's filter processor for traces: drops what its conditions match.
import { z } from 'zod';
import { defineSpanProcessor } from '../../component/define.ts';
import { caseless, textList } from '../../component/fields.ts';
import { matchProperties } from '../../component/span-match-fields.ts';
import { errorModes } from '../../ottl/error-mode.ts';
import { adviseFilter, checkFilter, dropsAll, filterContexts, metadataKeysOf, passesOf } from './conditions.ts';
import { filterStep } from './filter.ts';

const conditions = () => textList(z.string()).nullish();

const errorModeField = caseless(errorModes).describe(
  'What happens when a condition fails on an item: ignore logs it and keeps the item, silent keeps it without a log ' +
    'line, propagate refuses the whole request.',
);

const group = z.strictObject({
  context: caseless(filterContexts)
    .optional()
    .describe('Where the conditions of the group run; absent: the lowest context that they name.'),
  error_mode: errorModeField.optional(),
  conditions: conditions().describe('OTTL conditions: what one of them matches is dropped.'),
});

const otherSignals = z.unknown().optional().describe('For another signal; accepted, without effect on traces.');

const config = z.strictObject({
  error_mode: errorModeField.prefault('ignore'),
  trace_conditions: z
    .array(z.union([z.string(), group]))
    .nullish()
    .describe(
      'OTTL conditions with paths that name their context (span.name, resource.attributes[…]), or groups of them. ' +
        'A resource, scope or span that one matches is dropped with all in it; of a spanevent only the event.',
    ),
  traces: z
    .strictObject({
      resource: conditions().describe(
        'OTTL conditions on the resource: when one matches, all of its spans are dropped.',
      ),
      span: conditions().describe('OTTL conditions on the span.'),
      spanevent: conditions().describe('OTTL conditions on events: one that matches is removed from its span.'),
    })
    .nullish()
    .describe('The older form of the conditions, in which the context is given and paths need no prefix.'),
  spans: z
    .strictObject({
      include: matchProperties.nullish().describe('Spans that do not match are dropped.'),
      exclude: matchProperties.nullish().describe('Spans that match are dropped.'),
    })
    .nullish()
    .describe('The oldest form: properties instead of conditions.'),
  metrics: otherSignals,
  logs: otherSignals,
  profiles: otherSignals,
  metric_conditions: otherSignals,
  log_conditions: otherSignals,
  profile_conditions: otherSignals,
});
export type Config = z.output<typeof config>;

export const filter = defineSpanProcessor<Config>({
  ...filterStep,
  kind: 'processor',
  role: 'spans',
  aliases: [],
  stability: 'beta',
  summary: 'Drops the resources, scopes, spans and span events that a condition matches.',
  config,
  check: checkFilter,
  advise: adviseFilter,
  traits: { mutates: true, drops: true },
  dropsAll,
  metadataKeys: metadataKeysOf,
  passes: passesOf,
  examples: [
    { title: 'Health checks', yaml: 'trace_conditions:\n  - span.attributes["url.path"] == "/healthz"' },
    {
      title: 'Fast spans that went well, and events of retries',
      yaml:
        'trace_conditions:\n' +
        '  - span.status.code != STATUS_CODE_ERROR and span.end_time - span.start_time < Duration("1ms")\n' +
        '  - spanevent.name == "retry"',
    },
    {
      title: 'Groups with a context and an error mode of their own',
      yaml:
        'error_mode: silent\n' +
        'trace_conditions:\n' +
        '  - context: resource\n' +
        '    conditions: [\'attributes["host.name"] == "canary"\']\n' +
        '  - context: span\n' +
        '    error_mode: propagate\n' +
        "    conditions: ['IsMatch(name, \"^internal/\")', 'kind == SPAN_KIND_INTERNAL']",
    },
    { title: 'The older form', yaml: 'traces:\n  span:\n    - attributes["http.response.status_code"] < 400' },
    {
      title: 'The oldest form',
      yaml: 'spans:\n  exclude:\n    match_type: regexp\n    span_names: ["^/health"]',
    },
  ],
});
