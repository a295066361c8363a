// The processors that are built in, one line each, sorted.
import type { ProcessorDefinition } from '../component/processor.ts';
import { attributes } from './attributes/index.ts';
import { batch } from './batch/index.ts';
import { filter } from './filter/index.ts';
import { groupbyattrs } from './groupbyattrs/index.ts';
import { groupbytrace } from './groupbytrace/index.ts';
import { memoryLimiter } from './memory_limiter/index.ts';
import { probabilisticSampler } from './probabilistic_sampler/index.ts';
import { resource } from './resource/index.ts';
import { span } from './span/index.ts';
import { transform } from './transform/index.ts';

export const processors: readonly ProcessorDefinition[] = [
  attributes,
  batch,
  filter,
  groupbyattrs,
  groupbytrace,
  memoryLimiter,
  probabilisticSampler,
  resource,
  span,
  transform,
];
