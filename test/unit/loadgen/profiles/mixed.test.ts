import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WeightedSource } from '../../../../loadgen/corpus/batching.ts';
import { buildCorpus } from '../../../../loadgen/corpus/build.ts';
import { createTraceSources } from '../../../../loadgen/profile/draw.ts';
import { builtInProfiles } from '../../../../loadgen/profile/load.ts';
import { checkTrace, optionsFor, profileOf } from './drawn.ts';

const seed = 3;
const parts = { collector: 40, gateway: 32, streaming: 14, retrieval: 10, prompt: 4 };

describe('the profile mixed', () => {
  it('holds all other built-in profiles', () => {
    const profile = profileOf('mixed');
    assert.equal(profile.kind, 'mix');
    const named = profile.kind === 'mix' ? profile.parts.map(({ name, weight }) => [name, weight]) : [];
    assert.deepEqual(Object.fromEntries(named), parts);
    assert.deepEqual(
      Object.keys(parts).sort(),
      builtInProfiles().filter((name) => name !== 'mixed'),
    );
  });

  it('gives each its part of the spans', () => {
    const options = optionsFor('mixed', seed);
    const counts = new Map<WeightedSource, number>();
    const sources = createTraceSources(profileOf('mixed'), options);
    const counted = sources.map(
      (one): WeightedSource => ({
        weight: one.weight,
        source: {
          export: one.source.export,
          next() {
            const trace = one.source.next();
            // In some of them a parent does not wait for all of its children.
            checkTrace(trace, () => true);
            counts.set(one, (counts.get(one) ?? 0) + trace.spans.length);
            return trace;
          },
        },
      }),
    );
    const corpus = buildCorpus(options, counted);
    for (const one of sources) {
      const share = ((counts.get(one) ?? 0) / corpus.spans) * 100;
      // Traces come whole: a large one of the collector is a tenth of the corpus.
      assert.ok(Math.abs(share - one.weight) < one.weight / 3 + 1, `${one.weight}: ${share}`);
    }
    assert.equal(
      [...counts.values()].reduce((sum, count) => sum + count, 0),
      corpus.spans,
    );
  });
});
