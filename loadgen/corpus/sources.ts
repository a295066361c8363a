// From the options of a corpus to what it is drawn from.
import { renderIssues } from '../../src/config/render.ts';
import { SpanmillError } from '../../src/errors.ts';
import { createTraceSources } from '../profile/draw.ts';
import { parseProfile } from '../profile/load.ts';
import type { WeightedSource } from './batching.ts';
import type { CorpusOptions } from './corpus.ts';

/**
 * Fresh sources of the profile's traces. Throws a SpanmillError with the code of the first issue when the profile has some;
 * its message shows all, each at its place.
 */
export function sourcesOf(options: CorpusOptions): readonly WeightedSource[] {
  const { profile, issues } = parseProfile(options.profile);
  if (profile === null) throw new SpanmillError(issues[0].code, renderIssues(issues, false).trimEnd());
  return createTraceSources(profile, options);
}
