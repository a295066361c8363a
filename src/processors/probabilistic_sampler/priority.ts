// OpenTracing's `sampling.priority`: 0 takes a span out, anything above forces it in. Libraries write it in several types.
import type { Priority } from '../../component/sampling/whole-way.ts';
import { parseFloat64 } from '../../ottl/go-text.ts';
import type { Value } from '../../wire/value.ts';

export const priorityKey = 'sampling.priority';

export function priorityOf(value: Value): Priority {
  const number = typeof value === 'string' ? parseFloat64(value) : value;
  if (typeof number === 'bigint') return number === 0n ? 'drop' : number > 0n ? 'keep' : 'defer';
  if (typeof number === 'number') return number === 0 ? 'drop' : number > 0 ? 'keep' : 'defer';
  return 'defer';
}
