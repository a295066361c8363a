// The nearest known name to one that is not known.
import { distance } from 'fastest-levenshtein';

const letters = (name: string): string => [...name.toLowerCase()].toSorted().join('');

/** Letters by which a name that was cut short is known. */
const shortestStart = 3;

/**
 * The known name nearest to `name`, where one is near enough to be meant: the only one that begins so; else a third of it may
 * differ, or the order.
 */
export const nearest = (name: string, known: readonly string[]): string | undefined => {
  const longer = known.filter((candidate) => candidate.toLowerCase().startsWith(name.toLowerCase()));
  if (name.length >= shortestStart && longer.length === 1) return longer[0];
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
