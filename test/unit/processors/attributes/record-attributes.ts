// Makes collector.json anew: node test/unit/processors/attributes/record-attributes.ts <Collector 0.155 binary>
import { writeFileSync } from 'node:fs';
import { differences } from './differences.ts';
import { configs, headers, resource, spansFor } from './inputs.ts';
import { askCollector } from './record.ts';
import { requestOf } from './run-chain.ts';

const [, , binary, seed = '1', count = '40'] = process.argv;
const request = requestOf(spansFor(Number(seed), Number(count)), resource);
const outputs = await askCollector(binary, 'attributes', configs, request, headers);
const rows = outputs.map((output) => JSON.stringify(differences(request, output))).join(',\n    ');
const file = new URL('collector.json', import.meta.url);
writeFileSync(file, `{\n  "seed": ${seed},\n  "count": ${count},\n  "differences": [\n    ${rows}\n  ]\n}\n`);
