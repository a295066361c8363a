// The Collector's file_storage extension, on LMDB.
import { z } from 'zod';
import { defineExtension } from '../../component/define.ts';
import type { ConfigIssue, MetricSpec } from '../../component/definition.ts';
import { durationMs, integer, problem } from '../../component/fields.ts';
import { createFileStorage } from './extension.ts';

const compaction = z
  .strictObject({
    on_start: z
      .boolean()
      .prefault(false)
      .describe('True: the file is written anew at each start, however large. A store of up to 256 MiB always is.'),
    on_rebound: z
      .boolean()
      .prefault(false)
      .describe('Accepted, without effect: space that became free is used again, and given back at the next start.'),
    directory: z.string().optional().describe('Accepted, without effect: the new file is made beside the old one.'),
    max_transaction_size: integer().prefault(65_536).describe('Accepted, without effect.'),
    rebound_needed_threshold_mib: integer().prefault(100).describe('Accepted, without effect.'),
    rebound_trigger_threshold_mib: integer().prefault(10).describe('Accepted, without effect.'),
    check_interval: durationMs('5s').describe('Accepted, without effect.'),
    cleanup_on_start: z
      .boolean()
      .prefault(false)
      .describe('Accepted, without effect: what an earlier start did not end is always removed.'),
  })
  .prefault({})
  .describe('When the file is made as small as can be.');

const config = z.strictObject({
  directory: z
    .string()
    .min(1)
    .prefault('/var/lib/otelcol/file_storage')
    .describe('Directory of the store; one process at a time. Other files in it are left alone.'),
  timeout: durationMs('1s').describe('How long to wait at the start for another process to leave the directory.'),
  max_size: integer()
    .prefault(0)
    .describe(
      'Most bytes of what is stored, each batch with 4 KiB beside its own; more is refused. 0: the disk is the bound.',
    ),
  fsync: z
    .boolean()
    .prefault(false)
    .describe(
      'False: what is stored survives the end of the process. True: a power cut too; each write waits for the disk.',
    ),
  create_directory: z.boolean().prefault(false).describe('True: the directory is made when it is not there.'),
  directory_permissions: z
    .string()
    .regex(/^0*[0-7]{1,3}$/, problem('CONFIG_VALUE', 'not octal permissions, such as "0750"'))
    .prefault('0750')
    .describe('Octal permissions of directories that are made, less the umask.'),
  recreate: z
    .boolean()
    .prefault(false)
    .describe('Accepted, without effect: a corrupt store is always set aside (`….backup`), and a new one begun.'),
  compaction,
});
type Config = z.output<typeof config>;

function check({ compaction: { on_rebound, check_interval } }: Config): ConfigIssue[] {
  if (!on_rebound || check_interval > 0) return [];
  return [{ path: ['compaction', 'check_interval'], code: 'CONFIG_VALUE', message: 'must be above 0 with on_rebound' }];
}

const metric = (kind: 'gauge' | 'counter', name: string, help: string): MetricSpec => ({
  name: `spanmill_file_storage_${name}`,
  kind,
  help,
  labels: ['extension'],
});

export const fileStorage = defineExtension<Config>({
  kind: 'extension',
  type: 'file_storage',
  aliases: [],
  stability: 'alpha',
  summary: 'Keeps the queues of exporters on disk, so that what was accepted outlives the process.',
  config,
  check,
  offers: () => ['storage'],
  create: (c, host) =>
    createFileStorage({
      directory: c.directory,
      directoryMode: c.create_directory ? Number.parseInt(c.directory_permissions, 8) : null,
      timeoutMs: c.timeout,
      maxBytes: c.max_size,
      fsync: c.fsync,
      compactsOnStart: c.compaction.on_start,
      log: host.log,
    }),
  examples: [
    { title: 'In the default directory, which must exist', yaml: '{}' },
    {
      title: 'Bounded, and safe from power cuts',
      yaml: 'directory: /var/lib/spanmill/queue\ncreate_directory: true\nmax_size: 10737418240\nfsync: true',
    },
  ],
  metrics: [
    metric('gauge', 'entries', 'Batches in the store.'),
    metric('gauge', 'spans', 'Spans in the store.'),
    metric('gauge', 'bytes', 'Bytes of the batches in the store.'),
    metric('gauge', 'file_bytes', 'Size of the data file; space that became free is used again.'),
    metric('counter', 'failed_writes', 'Batches that could not be stored, and were refused.'),
    metric('counter', 'failed_reads', 'Batches that could not be read again.'),
  ],
});
