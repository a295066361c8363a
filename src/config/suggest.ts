// Messages about unknown names.
import { nearest } from '../lib/nearest.ts';

/** `; did you mean "timeout"?`, or the list of what there is. `what`: its plural, for the list. */
export const suggestion = (name: string, known: readonly string[], what: string): string => {
  const near = nearest(name, known);
  if (near !== undefined) return `; did you mean "${near}"?`;
  return known.length === 0 ? '; there is none' : `; ${what}: ${known.toSorted().join(', ')}`;
};
