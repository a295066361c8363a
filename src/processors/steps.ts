// What a worker thread runs of the processors that are built in, one line each, sorted. Nothing here imports a schema: each
// worker would load it, and no worker asks one.
import type { Step } from '../component/step.ts';
import { attributesStep } from './attributes/attributes.ts';
import { filterStep } from './filter/filter.ts';
import { groupByAttrsStep } from './groupbyattrs/groupbyattrs.ts';
import { memoryLimiterStep } from './memory_limiter/thin.ts';
import { samplerStep } from './probabilistic_sampler/sampler.ts';
import { resourceStep } from './resource/resource.ts';
import { spanStep } from './span/span.ts';
import { transformStep } from './transform/transform.ts';

export const steps: readonly Step[] = [
  attributesStep,
  filterStep,
  groupByAttrsStep,
  memoryLimiterStep,
  samplerStep,
  resourceStep,
  spanStep,
  transformStep,
];
