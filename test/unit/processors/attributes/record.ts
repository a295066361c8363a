// Asks a real Collector what it makes of spans: how the recorded results beside this file came to be. Not run by tests.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeRequest, encodeRequest } from '../../../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest } from '../../../../src/wire/reference/messages.ts';

const port = 43_181;

/**
 * Runs the Collector at `binary` with one pipeline for each configuration of the processor, all fed with the same
 * request; what each pipeline exported. `headers` go with the request.
 */
export async function askCollector(
  binary: string,
  processor: string,
  configs: readonly unknown[],
  request: ExportTraceServiceRequest,
  headers: Readonly<Record<string, string>> = {},
): Promise<ExportTraceServiceRequest[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ask-'));
  const file = (i: number) => join(folder, `${i}.bin`);
  const each = <T>(make: (i: number) => readonly [string, T]) => Object.fromEntries(configs.map((_, i) => make(i)));
  const yaml = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}`, include_metadata: true } } } },
    processors: each((i) => [`${processor}/${i}`, configs[i]]),
    exporters: each((i) => [`file/${i}`, { path: file(i), format: 'proto' }]),
    service: {
      telemetry: { metrics: { level: 'none' }, logs: { level: 'error' } },
      pipelines: each((i) => [
        `traces/${i}`,
        { receivers: ['otlp'], processors: [`${processor}/${i}`], exporters: [`file/${i}`] },
      ]),
    },
  };
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(yaml));
  const child = spawn(binary, ['--config', join(folder, 'config.yaml')], { stdio: ['ignore', 'inherit', 'inherit'] });
  try {
    await send(child, Buffer.from(encodeRequest(request)), headers);
    child.kill('SIGTERM');
    await once(child, 'exit');
    return configs.map((_, i) => readMessages(file(i)));
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}

async function send(child: ChildProcess, body: Buffer, headers: Readonly<Record<string, string>>): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error('the Collector did not start');
    try {
      const response = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/x-protobuf' },
        body,
      });
      if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
      return;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      await delay(100); // it does not listen yet
    }
  }
}

/** Messages behind their lengths (four bytes, big-endian), as the file exporter writes them, as one. */
function readMessages(file: string): ExportTraceServiceRequest {
  const bytes = readFileSync(file);
  const all: ExportTraceServiceRequest = { resourceSpans: [] };
  for (let at = 0; at < bytes.length; ) {
    const n = bytes.readUInt32BE(at);
    all.resourceSpans.push(...decodeRequest(bytes.subarray(at + 4, at + 4 + n)).resourceSpans);
    at += 4 + n;
  }
  return all;
}
