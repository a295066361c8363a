// The Collector's file exporter.
import { z } from 'zod';
import { defineExporter } from '../../component/define.ts';
import type { ConfigIssue } from '../../component/definition.ts';
import { directDelivery, notBuiltIn, onlyOff } from '../../component/delivery-fields.ts';
import { durationMs, integer, problem } from '../../component/fields.ts';
import { createFileExporter } from './exporter.ts';

const mib = 1024 * 1024;
const dayMs = 24 * 3600 * 1000;
const noGroups = 'one file for each group is not built in; remove group_by';

const config = z.strictObject({
  path: z.string().min(1).describe('File that spans are written to.'),
  rotation: z
    .strictObject({
      max_megabytes: integer().prefault(100).describe('MiB after which a new file is begun; 0: 100.'),
      max_days: integer().prefault(0).describe('Older files are removed after this many days; 0: never for age.'),
      max_backups: integer().prefault(100).describe('Most older files that are kept; 0: all.'),
      localtime: z.boolean().prefault(false).describe('Names of older files have local time instead of UTC.'),
    })
    .optional()
    .describe('Older files become `name-2026-01-31T12-00-00.000.ext`. Absent: one file that grows.'),
  format: z.enum(['json', 'proto']).prefault('json').describe('OTLP JSON, or protobuf.'),
  append: z.boolean().prefault(false).describe('False: what the file holds at the start is overwritten.'),
  compression: z.enum(['', 'none', 'zstd']).prefault('').describe('zstd: each message for itself.'),
  compression_params: z
    .strictObject({ level: z.int().prefault(0).describe('1 (fast) to 22 (small); 0: 3.') })
    .prefault({})
    .describe('How zstd compresses.'),
  flush_interval: durationMs('1s').describe('Accepted, without effect: each batch is written when it comes.'),
  create_directory: z.boolean().prefault(false).describe("True: the file's directory is made when it is not there."),
  directory_permissions: z
    .string()
    .regex(/^[0-7]{1,4}$/, problem('CONFIG_VALUE', 'not octal permissions, such as "0755"'))
    .optional()
    .describe('Octal permissions of directories that are made; default "0755".'),
  encoding: notBuiltIn('encoding extensions are not built in; use format json or proto').describe('Not built in.'),
  group_by: z
    .looseObject({ enabled: onlyOff(noGroups).describe('Only false.') })
    .optional()
    .describe('Not built in.'),
});
type Config = z.output<typeof config>;

function check(c: Config): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const conflict = (key: string, message: string): void =>
    void issues.push({ path: [key], code: 'CONFIG_CONFLICT', message });
  if (c.append && c.rotation !== undefined) {
    conflict('append', 'append and rotation cannot stand together; with rotation an existing file is always continued');
  }
  if (!c.create_directory && c.directory_permissions !== undefined) {
    conflict('directory_permissions', 'needs create_directory: true');
  }
  return issues;
}

export const file = defineExporter<Config>({
  kind: 'exporter',
  type: 'file',
  aliases: [],
  stability: 'alpha',
  summary: 'Writes spans to a file, one line of OTLP JSON a batch.',
  config,
  check,
  delivery: () => directDelivery,
  create: (c, host) =>
    createFileExporter({
      path: c.path,
      format: c.format,
      append: c.append || c.rotation !== undefined,
      zstdLevel: c.compression === 'zstd' ? c.compression_params.level || 3 : null,
      directoryMode: c.create_directory ? Number.parseInt(c.directory_permissions ?? '0755', 8) : null,
      rotation:
        c.rotation === undefined
          ? null
          : {
              maxBytes: (c.rotation.max_megabytes || 100) * mib,
              maxAgeMs: c.rotation.max_days * dayMs,
              maxBackups: c.rotation.max_backups,
              localTime: c.rotation.localtime,
            },
      log: host.log,
    }),
  examples: [
    { title: 'A file to look into', yaml: 'path: spans.json' },
    {
      title: 'Ten files of 50 MiB',
      yaml: 'path: traces/spans.json\ncreate_directory: true\nrotation:\n  max_megabytes: 50\n  max_backups: 10',
    },
  ],
  metrics: [],
});
