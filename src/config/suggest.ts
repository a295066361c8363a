// The nearest known name, for messages about unknown ones.
import { distance } from 'fastest-levenshtein';

const letters = (name: string): string => [...name.toLowerCase()].toSorted().join('');

/** The known name nearest to `name`, where one is near enough to be meant: a third of it may differ, or the order. */
export const nearest = (name: string, known: readonly string[]): string | undefined => {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const steps = distance(name.toLowerCase(), candidate.toLowerCase());
    if (steps < bestDistance) {
      best = candidate;
      bestDistance = steps;
    }
  }
  const allowed = best === undefined ? 0 : Math.max(1, Math.floor(Math.max(name.length, best.length) / 3));
  if (bestDistance <= allowed) return best;
  return known.find((candidate) => letters(candidate) === letters(name));
};

/** `; did you mean "timeout"?`, or the list of what there is. `what`: its plural, for the list. */
export const suggestion = (name: string, known: readonly string[], what: string): string => {
  const near = nearest(name, known);
  if (near !== undefined) return `; did you mean "${near}"?`;
  return known.length === 0 ? '; there is none' : `; ${what}: ${known.toSorted().join(', ')}`;
};
