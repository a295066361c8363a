// Makes collector.json anew: node test/unit/processors/probabilistic_sampler/record.ts <Collector 0.155 binary>
import { writeFileSync } from 'node:fs';
import { askCollector } from '../attributes/record.ts';
import { numberOf, requestOf, spansOf } from '../attributes/run-chain.ts';
import { configs, spansFor } from './inputs.ts';

const [, , binary, seed = '1', count = '60'] = process.argv;
const spans = spansFor(Number(seed), Number(count));
const outputs = await askCollector(binary, 'probabilistic_sampler', configs, requestOf(spans));
// For each configuration the tracestates of all spans, null for one that was dropped.
const traceStates = outputs.map((output) => {
  const kept = new Map(spansOf(output).map((span) => [numberOf(span), span.traceState]));
  return spans.map((_, i) => kept.get(i) ?? null);
});
const file = new URL('collector.json', import.meta.url);
const rows = traceStates.map((row) => JSON.stringify(row)).join(',\n    ');
writeFileSync(file, `{\n  "seed": ${seed},\n  "count": ${count},\n  "traceStates": [\n    ${rows}\n  ]\n}\n`);
