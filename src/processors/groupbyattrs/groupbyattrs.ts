// The behaviour is that of the writer which a walk with a regrouping has (wire/group-writer.ts); here it gets its keys, and
// what it counts its names.
import type { StageBuilder, StageProcessor } from '../../component/types.ts';
import type { Config } from './index.ts';

export const metricNames = {
  moved: 'otelcol_processor_groupbyattrs_num_grouped_spans',
  others: 'otelcol_processor_groupbyattrs_num_non_grouped_spans',
  groups: 'otelcol_processor_groupbyattrs_span_groups',
} as const;

/** Bounds of the Collector's histogram, in resources. */
export const groupBounds: readonly number[] = [
  0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000,
];

export function compileGroupByAttrs({ keys }: Config, stage: StageBuilder): StageProcessor {
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
