// What the loader says of the configuration of one processor, by place in it.
import { readConfig } from '../../../src/config/read-config.ts';
import type { Issue } from '../../../src/config/source.ts';
import { registry } from '../../../src/registry.ts';

/** Lines in front of the processor's own. */
const head = ['receivers:', '  otlp: {protocols: {grpc: }}', 'exporters: {nop: }', 'processors:'];
const indent = 4;

/** Issues as `line:column CODE` within `yaml`, sorted; a place outside of it is `id CODE`. */
export function problemsOf(type: string, yaml: string): { errors: string[]; warnings: string[] } {
  const own = yaml.replace(/^/gm, ' '.repeat(indent));
  const service = `service: {pipelines: {traces: {receivers: [otlp], processors: [${type}], exporters: [nop]}}}`;
  const text = [...head, `  ${type}:`, own, service].join('\n');
  const { errors, warnings } = readConfig({
    files: ['test.yaml'],
    sets: [],
    env: {},
    readFile: () => text,
    registry,
    cores: 2,
  });
  const placed = ({ line, column, code }: Issue): string =>
    line > head.length + 1 ? `${line - head.length - 1}:${column - indent} ${code}` : `id ${code}`;
  return { errors: errors.map(placed).sort(), warnings: warnings.map(placed).sort() };
}
