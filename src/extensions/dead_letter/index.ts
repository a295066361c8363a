// An addition of spanmill: what nobody takes is kept in files, for people to look at and to send again.
import { z } from 'zod';
import { defineExtension } from '../../component/define.ts';
import { durationMs, integer, problem } from '../../component/fields.ts';
import { createDeadLetter } from './extension.ts';

const mib = 1024 * 1024;

const config = z.strictObject({
  directory: z
    .string()
    .min(1, problem('CONFIG_VALUE', 'must name a directory'))
    .describe('Where the files are written. It belongs to one process.'),
  create_directory: z
    .boolean()
    .prefault(true)
    .describe('The directory is made when it is not there, for its owner only.'),
  max_bytes: integer(mib)
    .prefault(256 * mib)
    .describe('Most bytes of all files together, in blocks of 4 KiB as they take on the disk.'),
  max_age: durationMs('0s').describe('Files are removed when they are older; 0: never.'),
  when_full: z
    .enum(['refuse', 'drop_oldest'])
    .prefault('refuse')
    .describe(
      'refuse: what comes then is not kept, and counted as lost. drop_oldest: the oldest files are removed for it.',
    ),
});

export const deadLetter = defineExtension<z.output<typeof config>>({
  kind: 'extension',
  type: 'dead_letter',
  aliases: [],
  stability: 'alpha',
  summary: 'Keeps spans that no backend takes in a bounded directory, each with the reason beside it.',
  config,
  offers: () => ['deadLetter'],
  create: (c, host) =>
    createDeadLetter({
      directory: c.directory,
      createsDirectory: c.create_directory,
      maxBytes: c.max_bytes,
      maxAgeMs: c.max_age,
      whenFull: c.when_full,
      log: host.log,
    }),
  examples: [
    { title: 'A directory for what cannot be delivered', yaml: 'directory: dead-letter' },
    {
      title: 'The newest 64 MiB of the last week',
      yaml: 'directory: dead-letter\nmax_bytes: 67108864\nmax_age: 168h\nwhen_full: drop_oldest',
    },
  ],
  metrics: [
    { name: 'spanmill_dead_letter_files', kind: 'gauge', help: 'Requests that are kept.', labels: [] },
    { name: 'spanmill_dead_letter_bytes', kind: 'gauge', help: 'Bytes that their files take.', labels: [] },
    { name: 'spanmill_dead_letter_put_spans', kind: 'counter', help: 'Spans that were set aside.', labels: [] },
    {
      name: 'spanmill_dead_letter_refused_spans',
      kind: 'counter',
      help: 'Spans that could not be set aside, by reason: full or error.',
      labels: ['reason'],
    },
    {
      name: 'spanmill_dead_letter_removed_files',
      kind: 'counter',
      help: 'Files that were removed unread, by reason: age or space.',
      labels: ['reason'],
    },
    {
      name: 'spanmill_dead_letter_removed_spans',
      kind: 'counter',
      help: 'Spans in files that were removed unread, by reason: age or space.',
      labels: ['reason'],
    },
  ],
});
