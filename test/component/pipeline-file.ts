// The files in pipelines/ as they are run here: only addresses and files are replaced.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Sink } from '../e2e/support/sink.ts';

export const pipelineFolder = join(import.meta.dirname, '../../pipelines');

/** A pipeline file as an object; nothing in it is typed. */
type Tree = Record<string, Record<string, Record<string, unknown>>>;

const typeOf = (id: string): string => id.split('/')[0];

/** The file with free ports, exporters that send to `sinks` (by id), and files in `directory`. */
export function localised(name: string, directory: string, sinks: Readonly<Record<string, Sink>> = {}): object {
  const tree: Tree = parse(readFileSync(join(pipelineFolder, name), 'utf8'));
  for (const [id, receiver] of Object.entries(tree.receivers)) {
    assert.equal(typeOf(id), 'otlp', `${name}: say here how ${id} is given a free port`);
    for (const protocol of Object.values(receiver.protocols as Tree))
      Object.assign(protocol, { endpoint: '127.0.0.1:0' });
  }
  for (const extension of Object.values(tree.extensions ?? {})) extension.endpoint = '127.0.0.1:0';
  for (const [id, exporter] of Object.entries(tree.exporters)) {
    // Nothing listens at port 1: an exporter that is sent nothing need not reach its backend. The sinks do not decompress.
    const otlp = { endpoint: `127.0.0.1:${sinks[id]?.port ?? 1}`, compression: 'none' };
    if (typeOf(id) === 'otlp') Object.assign(exporter, otlp);
    if (typeOf(id) === 'file') exporter.path = join(directory, 'traces/spans.jsonl');
  }
  tree.service.telemetry = { metrics: { level: 'none' }, logs: { encoding: 'json' } };
  return tree;
}
