// The behaviour is that of the writer which a walk with a regrouping has (wire/group-writer.ts); here it gets its keys, and
// what it counts its names.
import { defineStep } from '../../component/define.ts';
import type { StageBuilder, StageProcessor } from '../../component/step.ts';
import type { Config } from './index.ts';

const metricNames = {
  moved: 'otelcol_processor_groupbyattrs_num_grouped_spans',
  others: 'otelcol_processor_groupbyattrs_num_non_grouped_spans',
  groups: 'otelcol_processor_groupbyattrs_span_groups',
} as const;

/** Bounds of the Collector's histogram, in resources. */
export const groupBounds: readonly number[] = [
  0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000,
];

export const groupByAttrsStep = defineStep<Config>({
  type: 'groupbyattrs',
  metrics: [
    {
      name: metricNames.moved,
      kind: 'counter',
      help: 'Number of spans that had attributes grouped',
      labels: [],
    },
    {
      name: metricNames.others,
      kind: 'counter',
      help: 'Number of spans that did not have attributes grouped',
      labels: [],
    },
    {
      name: metricNames.groups,
      kind: 'histogram',
      help: 'Distribution of groups extracted for spans',
      labels: [],
    },
  ],
  compile: compileGroupByAttrs,
});

function compileGroupByAttrs({ keys }: Config, stage: StageBuilder): StageProcessor {
  const wanted = [...new Set(keys)].filter((key) => key !== '');
  const moved = stage.counter(metricNames.moved, {});
  const others = stage.counter(metricNames.others, {});
  const groups = stage.histogram(metricNames.groups, groupBounds);
  return {
    regroup: {
      keys: wanted.map((key) => stage.intern(key)),
      done(movedSpans, otherSpans, resources) {
        stage.add(moved, movedSpans);
        stage.add(others, otherSpans);
        groups(resources);
      },
    },
  };
}
