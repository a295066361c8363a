// Makes collector.json anew: node test/unit/processors/groupbyattrs/record.ts <Collector 0.155 binary>
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { askCollector } from '../attributes/record.ts';
import { configs, requestFor, rowsOf } from './corpus.ts';

const [, , binary, seed = '1', count = '400'] = process.argv;
const outputs = await askCollector(binary, 'groupbyattrs', configs, requestFor(Number(seed), Number(count)));
const results = outputs.map((output) => ({
  resources: output.resourceSpans.length,
  scopes: output.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans).length,
  // Of all rows in their order: the rows themselves are as long as the request.
  sha256: createHash('sha256').update(rowsOf(output).join('\n\n')).digest('hex'),
}));
const file = new URL('collector.json', import.meta.url);
writeFileSync(file, `${JSON.stringify({ seed: Number(seed), count: Number(count), results }, null, 2)}\n`);
