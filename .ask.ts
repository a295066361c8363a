import { writeFileSync, mkdtempSync, readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expressions, conditions } from './test/unit/ottl/expressions.ts';
import { sampleRequest } from './test/unit/ottl/sample.ts';
import { decodeRequest, encodeRequest } from './src/wire/reference/codec.ts';
const dir = mkdtempSync('/tmp/askc-');
const port = 43977;
const esc = (s: string) => s.replaceAll('$', '$$$$');
const statements = [
  ...expressions.map((e, i) => `set(attributes["r${i}"], ${e})`),
  ...conditions.map((c, i) => `set(attributes["c${i}"], true) where ${c}`),
].map(esc);
const yaml = {
  receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
  processors: { transform: { error_mode: 'ignore', trace_statements: [{ context: 'span', statements }] } },
  exporters: { file: { path: dir + '/out', format: 'proto' } },
  service: { telemetry: { metrics: { level: 'none' }, logs: { level: process.env.LOG ?? 'error' } }, pipelines: { traces: { receivers: ['otlp'], processors: ['transform'], exporters: ['file'] } } },
};
writeFileSync(dir + '/c.yaml', JSON.stringify(yaml));
const child = spawn('/work/peer/otelcol', ['--config', dir + '/c.yaml'], { stdio: ['ignore', 'inherit', 'inherit'] });
for (let i = 0; i < 100 && child.exitCode === null; i++) {
  try {
    const r = await fetch(`http://127.0.0.1:${port}/v1/traces`, { method: 'POST', headers: { 'content-type': 'application/x-protobuf' }, body: Buffer.from(encodeRequest(sampleRequest())) });
    if (!r.ok) console.log(r.status, await r.text());
    break;
  } catch { await delay(100); }
}
if (child.exitCode !== null) process.exit(1);
await delay(300);
child.kill('SIGTERM');
await once(child, 'exit');
const bytes = readFileSync(dir + '/out');
const n = bytes.readUInt32BE(0);
const span = decodeRequest(bytes.subarray(4, 4 + n)).resourceSpans[0].scopeSpans[0].spans[0];
const got = new Map(span.attributes.map((a) => [a.key, a.value]));
const plain = (v: any): unknown => v === undefined || Object.keys(v).length === 0 ? 'empty' : 'stringValue' in v ? { string: v.stringValue } : 'intValue' in v ? { int: String(v.intValue) } : 'doubleValue' in v ? { double: String(Object.is(v.doubleValue,-0)?'-0':v.doubleValue) } : 'boolValue' in v ? v.boolValue : 'bytesValue' in v ? { bytes: Buffer.from(v.bytesValue).toString('hex') } : 'arrayValue' in v ? { list: v.arrayValue.values.map(plain) } : { map: v.kvlistValue.values.map((kv: any) => [kv.key, plain(kv.value)]) };
const out = { expressions: Object.fromEntries(expressions.map((e, i) => [e, got.has('r' + i) ? plain(got.get('r' + i)) : null])), conditions: Object.fromEntries(conditions.map((c, i) => [c, got.has('c' + i)])) };
writeFileSync('/tmp/recorded.json', JSON.stringify(out, null, 1));
console.log(Object.keys(out.expressions).length, Object.keys(out.conditions).length);
