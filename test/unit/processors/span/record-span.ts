// Makes collector.json anew: node test/unit/processors/span/record-span.ts <Collector 0.155 binary>
import { writeFileSync } from 'node:fs';
import { resource } from '../attributes/inputs.ts';
import { askCollector } from '../attributes/record.ts';
import { requestOf } from '../attributes/run-chain.ts';
import { changes } from './changes.ts';
import { configs, spansFor } from './inputs.ts';

const [, , binary, seed = '1', count = '40'] = process.argv;
const request = requestOf(spansFor(Number(seed), Number(count)), resource);
const outputs = await askCollector(binary, 'span', configs, request);
const rows = outputs.map((output) => JSON.stringify(changes(request, output))).join(',\n    ');
const file = new URL('collector.json', import.meta.url);
writeFileSync(file, `{\n  "seed": ${seed},\n  "count": ${count},\n  "changes": [\n    ${rows}\n  ]\n}\n`);
