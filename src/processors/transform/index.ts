// The Collector's transform processor for traces: runs OTTL statements on resources, scopes, spans and span events.
import { z } from 'zod';
import { defineSpanProcessor } from '../../component/define.ts';
import { caseless, textList } from '../../component/fields.ts';
import { adviseGroup, metadataKeysIn, touchesOf } from '../../component/rule-groups.ts';
import { contextNames } from '../../ottl/environment.ts';
import { errorModes } from '../../ottl/error-mode.ts';
import { spanAttributesSet } from '../../ottl/path-uses.ts';
import { checkTransform, readGroups } from './groups.ts';
import { transformStep } from './transform.ts';

const errorModeField = caseless(errorModes).describe(
  'What happens when a statement or condition fails on an item: ignore logs it and goes on with the next one, silent goes on ' +
    'without a log line, propagate refuses the whole request.',
);

const group = z.strictObject({
  context: caseless(contextNames)
    .optional()
    .describe('Where the group runs; absent: the lowest context that its statements and conditions name.'),
  error_mode: errorModeField.optional(),
  conditions: textList(z.string())
    .nullish()
    .describe('OTTL conditions: the statements only run on items that one of them matches. Empty: on all.'),
  statements: textList(z.string()).nullish().describe('OTTL statements, run in this order on each item.'),
});

const otherSignals = z.unknown().optional().describe('For another signal; accepted, without effect on traces.');

const config = z.strictObject({
  error_mode: errorModeField.prefault('ignore'),
  trace_statements: z
    .array(z.union([z.string(), group]))
    .prefault([])
    .describe(
      'OTTL statements with paths that name their context (span.name, resource.attributes[…]), which run one after another on ' +
        'each item of the lowest context that one of them names; or groups of statements, each of which goes over all items ' +
        'before the next.',
    ),
  metric_statements: otherSignals,
  log_statements: otherSignals,
  profile_statements: otherSignals,
  flatten_data: otherSignals,
});
export type Config = z.output<typeof config>;

export const transform = defineSpanProcessor<Config>({
  ...transformStep,
  kind: 'processor',
  role: 'spans',
  aliases: [],
  stability: 'beta',
  summary: 'Changes resources, scopes, spans and span events by statements of OTTL.',
  config,
  check: checkTransform,
  advise: (c) => readGroups(c, []).flatMap(adviseGroup),
  traits: { mutates: true, drops: false },
  passes: (c) => readGroups(c, []).map((one) => touchesOf([one])),
  metadataKeys: (c) => metadataKeysIn(readGroups(c, [])),
  sets: (c) =>
    readGroups(c, []).flatMap(({ statements }) => statements.flatMap(({ checked }) => spanAttributesSet(checked))),
  examples: [
    {
      title: 'Names without ids, and the route they stand for',
      yaml:
        'trace_statements:\n' +
        '  - replace_pattern(span.name, "/[0-9]+", "/{id}")\n' +
        '  - set(span.attributes["http.route"], span.attributes["url.path"]) where span.attributes["http.route"] == nil',
    },
    {
      title: 'Arguments of a tool call as attributes of their own',
      yaml:
        'trace_statements:\n' +
        '  - context: span\n' +
        '    conditions: [\'attributes["gen_ai.tool.call.arguments"] != nil\']\n' +
        '    statements:\n' +
        '      - set(attributes["tool"], ParseJSON(attributes["gen_ai.tool.call.arguments"]))\n' +
        '      - flatten(attributes, depth=2)',
    },
    {
      title: 'Groups: first the resource, then its spans, then their events',
      yaml:
        'error_mode: silent\n' +
        'trace_statements:\n' +
        '  - statements: [\'set(resource.attributes["deployment.environment.name"], "production")\']\n' +
        '  - conditions: [span.kind == SPAN_KIND_SERVER]\n' +
        '    statements: [\'set(span.attributes["service"], resource.attributes["service.name"])\']\n' +
        '  - error_mode: propagate\n' +
        "    statements: ['truncate_all(spanevent.attributes, 4096)']",
    },
  ],
});
