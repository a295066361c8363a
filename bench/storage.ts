// What the durable queue costs: batches as large as 512 spans of the service's cases are stored, and removed when 8 wait.
//   node bench/storage.ts [--fsync] [--batches N] [--bytes N] [--at-once N] [--directory DIR]
// One line: wall time, CPU of the process, latency of a store call, size of the file.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { StoredEntry } from '../src/component/capabilities.ts';
import { createFileStorage } from '../src/extensions/file_storage/extension.ts';
import { createLogger } from '../src/telemetry/log.ts';

const { values } = parseArgs({
  options: {
    fsync: { type: 'boolean', default: false },
    batches: { type: 'string', default: '1000' },
    bytes: { type: 'string', default: '214016' },
    'at-once': { type: 'string', default: '8' },
    directory: { type: 'string', default: tmpdir() },
  },
});
const [batches, bytes, atOnce] = [values.batches, values.bytes, values['at-once']].map(Number);
const spans = 512;
const directory = mkdtempSync(join(values.directory, 'spanmill-bench-'));
const extension = createFileStorage({
  directory,
  directoryMode: null,
  timeoutMs: 0,
  maxBytes: 0,
  fsync: values.fsync,
  compactsOnStart: false,
  log: createLogger({ level: 'info', initialFields: {}, sampling: null }, process.stderr),
});

try {
  await extension.start();
  const queue = await extension.offers?.storage?.open('exporter bench');
  if (queue === undefined) throw new Error('file_storage offers no storage');
  const segments = [Buffer.from(new SharedArrayBuffer(bytes))];
  const latencies: number[] = [];
  const run = async (count: number): Promise<void> => {
    let begun = 0;
    const one = async (): Promise<void> => {
      const held: StoredEntry[] = [];
      while (begun++ < count) {
        const at = performance.now();
        held.push(await queue.append(segments, spans, ''));
        latencies.push(performance.now() - at);
        if (held.length > 1) await queue.remove(held.splice(0, 1));
      }
      await queue.remove(held);
    };
    await Promise.all(Array.from({ length: atOnce }, one));
  };
  await run(200);
  latencies.length = 0;
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  await run(batches);
  const ms = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const at = (part: number): string => (latencies[Math.floor(latencies.length * part)] ?? 0).toFixed(2);
  const perBatch = (user + system) / batches;
  console.log(
    `${batches} x ${bytes} bytes${values.fsync ? ', fsync' : ''}: ${ms.toFixed(0)} ms, ` +
      `CPU ${perBatch.toFixed(0)} us a batch (user ${(user / batches).toFixed(0)}), ${(perBatch / spans).toFixed(2)} us a span; ` +
      `store call p50 ${at(0.5)} p99 ${at(0.99)} ms; file ${statSync(join(directory, 'spanmill.mdb')).size} bytes`,
  );
} finally {
  await extension.stop();
  rmSync(directory, { recursive: true, force: true });
}
