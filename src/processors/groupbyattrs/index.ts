// The Collector's groupbyattrs processor: attributes that many spans share go to their resource, and what is alike together.
import { z } from 'zod';
import { defineSpanProcessor } from '../../component/define.ts';
import type { ConfigIssue } from '../../component/definition.ts';
import { stringList } from '../../component/fields.ts';
import type { Touch } from '../../component/processor.ts';
import { groupByAttrsStep } from './groupbyattrs.ts';

const config = z.strictObject({
  keys: stringList().describe(
    'Span attributes that move to the resource, where they replace those of the same key. Empty: no attribute moves, and ' +
      'what has the same resource and scope comes together.',
  ),
});
export type Config = z.output<typeof config>;

/** Spans are put under their resource and scope as these are when the span is seen. */
const touches: readonly Touch[] = [
  { what: 'resource', from: 'span', writes: false },
  { what: 'scope', from: 'span', writes: false },
];

export const groupbyattrs = defineSpanProcessor<Config>({
  ...groupByAttrsStep,
  kind: 'processor',
  role: 'spans',
  aliases: [],
  stability: 'beta',
  summary: 'Moves span attributes to the resource, and puts spans of the same resource and scope together.',
  config,
  advise: ({ keys }) =>
    keys.flatMap((key, i): ConfigIssue[] => {
      const what = key === '' ? 'the empty key has no effect' : `the key ${key} is already there`;
      if (key !== '' && keys.indexOf(key) === i) return [];
      return [{ path: ['keys', i], code: 'CONFIG_VALUE', message: what }];
    }),
  traits: { mutates: true, drops: false },
  passes: () => [touches],
  regroups: true,
  examples: [
    {
      title: 'The pod that a span came from belongs to its resource',
      yaml: 'keys: [k8s.pod.name, host.name]',
    },
    { title: 'Compact what came in many small requests (behind a batch)', yaml: 'keys: []' },
  ],
});
