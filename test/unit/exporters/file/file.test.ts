import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import zlib from 'node:zlib';
import { pino } from 'pino';
import type { Batch, Exporter } from '../../../../src/component/exporter.ts';
import { createFileExporter, type FileExporterOptions } from '../../../../src/exporters/file/exporter.ts';
import { file } from '../../../../src/exporters/file/index.ts';
import { moveAway, prune, type RotationOptions } from '../../../../src/exporters/file/rotation.ts';
import { encodeRequest } from '../../../../src/wire/reference/codec.ts';
import { readJson } from '../../../../src/wire/reference/json-reader.ts';

const root = mkdtempSync(join(tmpdir(), 'spanmill-file-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
/** A new folder and the path of a file in it. */
function place(): { folder: string; path: string } {
  const folder = mkdtempSync(join(root, `${folders++}-`));
  return { folder, path: join(folder, 'spans.json') };
}

const never = new AbortController().signal;
const accepted = { kind: 'accepted' };
const rotation: RotationOptions = { maxBytes: 100, maxAgeMs: 0, maxBackups: 0, localTime: false };

/** One line of OTLP JSON for a span of that name, and the batch. */
function spanOf(name: string): { line: string; batch: Batch } {
  const line = `{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[{"name":"${name}","status":{}}]}]}]}\n`;
  const bytes = Buffer.from(encodeRequest(readJson(line)));
  return {
    line,
    batch: { spans: 1, bytes: bytes.length, segments: [bytes.subarray(0, 3), bytes.subarray(3)], metadata: {} },
  };
}

function exporterFor(path: string, change: Partial<FileExporterOptions> = {}): Exporter {
  return createFileExporter({
    path,
    format: 'json',
    append: false,
    zstdLevel: null,
    directoryMode: null,
    rotation: null,
    log: pino({ level: 'silent' }),
    ...change,
  });
}

test('each batch is a line of OTLP JSON, there as soon as it is accepted', async () => {
  const { path } = place();
  const exporter = exporterFor(path);
  await exporter.start();
  const [a, b] = [spanOf('a'), spanOf('b')];
  assert.deepEqual(await exporter.export(a.batch, never), accepted);
  assert.equal(readFileSync(path, 'utf8'), a.line);
  assert.deepEqual(await exporter.export(b.batch, never), accepted);
  assert.equal(readFileSync(path, 'utf8'), a.line + b.line);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await exporter.stop();
  await exporter.stop();
});

test('what the file held is overwritten at the start, or kept with append', async () => {
  const { path } = place();
  const { batch, line } = spanOf('new');
  for (const [append, expected] of [
    [true, `old\n${line}`],
    [false, line],
  ] as const) {
    writeFileSync(path, 'old\n');
    const exporter = exporterFor(path, { append });
    await exporter.start();
    await exporter.export(batch, never);
    await exporter.stop();
    assert.equal(readFileSync(path, 'utf8'), expected);
  }
});

function records(path: string): Buffer[] {
  const bytes = readFileSync(path);
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    found.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at)));
  }
  return found;
}

test('protobuf and compressed messages stand behind their length in four bytes', async () => {
  const [a, b] = [spanOf('a'), spanOf('b')];
  for (const format of ['json', 'proto'] as const) {
    for (const zstdLevel of [null, 3, 99]) {
      if (format === 'json' && zstdLevel === null) continue;
      const { path } = place();
      const exporter = exporterFor(path, { format, zstdLevel });
      await exporter.start();
      for (const { batch } of [a, b]) assert.deepEqual(await exporter.export(batch, never), accepted);
      await exporter.stop();
      const read = records(path).map((body) => (zstdLevel === null ? body : zlib.zstdDecompressSync(body)));
      const expected = [a, b].map(({ line, batch }) =>
        format === 'json' ? Buffer.from(line.trimEnd()) : Buffer.concat(batch.segments),
      );
      assert.deepEqual(read, expected);
    }
  }
});

test('bytes that are not OTLP are refused and leave no trace', async () => {
  const { path } = place();
  const exporter = exporterFor(path);
  await exporter.start();
  const result = await exporter.export(
    { spans: 1, bytes: 2, segments: [Buffer.from([0x0a, 0x7f])], metadata: {} },
    never,
  );
  assert.equal(result.kind === 'refused' && result.reason, 'malformed');
  assert.equal(readFileSync(path, 'utf8'), '');
  await exporter.stop();
});

/** Lets the next appends of any FileHandle write `bytes` of the data and then fail, as a disk that fills up does. */
async function fillDisk(path: string, bytes: number): Promise<{ restore(): void; failTruncate(fail: boolean): void }> {
  const probe = await open(path, 'a');
  const prototype = Object.getPrototypeOf(probe) as Pick<FileHandle, 'appendFile' | 'truncate'>;
  await probe.close();
  const { appendFile, truncate } = prototype;
  let truncateFails = false;
  prototype.appendFile = async function (this: FileHandle, data: Buffer) {
    await appendFile.call(this, data.subarray(0, bytes));
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  } as FileHandle['appendFile'];
  prototype.truncate = async function (this: FileHandle, length?: number) {
    if (truncateFails) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    await truncate.call(this, length);
  };
  return {
    failTruncate: (fail) => {
      truncateFails = fail;
    },
    restore: () => Object.assign(prototype, { appendFile, truncate }),
  };
}

test('a full disk is a retryable result, and half a record is taken back', async () => {
  const { path } = place();
  const exporter = exporterFor(path);
  await exporter.start();
  const [a, b] = [spanOf('a'), spanOf('b')];
  await exporter.export(a.batch, never);
  const disk = await fillDisk(path, 20);
  try {
    const result = await exporter.export(b.batch, never);
    assert.equal(result.kind, 'retry');
    assert.equal(result.kind === 'retry' && result.reason, 'disk_full');
    assert.match(result.kind === 'retry' ? result.message : '', /cannot write to .*spans\.json: ENOSPC/);
    assert.equal(readFileSync(path, 'utf8'), a.line);
  } finally {
    disk.restore();
  }
  assert.deepEqual(await exporter.export(b.batch, never), accepted);
  assert.equal(readFileSync(path, 'utf8'), a.line + b.line);
  await exporter.stop();
});

test('half a record that cannot be taken back now is taken back before the next is written', async () => {
  const { path } = place();
  const exporter = exporterFor(path);
  await exporter.start();
  const [a, b] = [spanOf('a'), spanOf('b')];
  await exporter.export(a.batch, never);
  const disk = await fillDisk(path, 20);
  try {
    disk.failTruncate(true);
    await exporter.export(b.batch, never);
    assert.equal(statSync(path).size, a.line.length + 20);
    assert.equal((await exporter.export(b.batch, never)).kind, 'retry');
    assert.equal(statSync(path).size, a.line.length + 20, 'nothing is written behind half a record');
  } finally {
    disk.restore();
  }
  assert.deepEqual(await exporter.export(b.batch, never), accepted);
  assert.equal(readFileSync(path, 'utf8'), a.line + b.line);
  await exporter.stop();
});

test('a disk that is really full is survived', async () => {
  // /dev/full takes no byte; it is no file that could be truncated either.
  const exporter = exporterFor('/dev/full', { append: true });
  await exporter.start();
  const result = await exporter.export(spanOf('a').batch, never);
  assert.equal(result.kind === 'retry' && result.reason, 'disk_full');
  await exporter.stop();
});

test('a path that cannot be opened is an error at the start', async () => {
  const { folder } = place();
  await assert.rejects(exporterFor(join(folder, 'no', 'spans.json')).start(), { code: 'EXPORT', message: /ENOENT/ });
  await assert.rejects(exporterFor(folder).start(), { code: 'EXPORT', message: /EISDIR/ });
});

test('directories are made with the permissions asked for', async () => {
  const { folder } = place();
  const exporter = exporterFor(join(folder, 'a', 'b', 'spans.json'), { directoryMode: 0o700 });
  await exporter.start();
  await exporter.stop();
  assert.equal(statSync(join(folder, 'a', 'b')).mode & 0o777, 0o700);
});

test('something else that empties the file does not leave a hole in it', async () => {
  const { path } = place();
  const exporter = exporterFor(path);
  await exporter.start();
  const [a, b] = [spanOf('a'), spanOf('b')];
  await exporter.export(a.batch, never);
  truncateSync(path, 0);
  await exporter.export(b.batch, never);
  assert.equal(readFileSync(path, 'utf8'), b.line);
  await exporter.stop();
});

const backupsIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name !== 'spans.json')
    .sort();

test('a file that would grow too large is moved away with its time in the name', async () => {
  const { folder, path } = place();
  const spans = ['a', 'b', 'c', 'd', 'e'].map(spanOf);
  const exporter = exporterFor(path, { append: true, rotation: { ...rotation, maxBytes: spans[0].line.length * 2 } });
  await exporter.start();
  for (const { batch } of spans) assert.deepEqual(await exporter.export(batch, never), accepted);
  await exporter.stop();
  const backups = backupsIn(folder);
  for (const name of backups) assert.match(name, /^spans-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.json$/);
  assert.deepEqual(
    [...backups, 'spans.json'].map((name) => readFileSync(join(folder, name), 'utf8')),
    [spans[0].line + spans[1].line, spans[2].line + spans[3].line, spans[4].line],
  );
});

test('a record larger than a whole file gets a file of its own', async () => {
  const { folder, path } = place();
  const spans = ['small', 'x'.repeat(500), 'end'].map(spanOf);
  const exporter = exporterFor(path, { append: true, rotation: { ...rotation, maxBytes: 200 } });
  await exporter.start();
  for (const { batch } of spans) assert.deepEqual(await exporter.export(batch, never), accepted);
  await exporter.stop();
  assert.deepEqual(
    [...backupsIn(folder), 'spans.json'].map((name) => readFileSync(join(folder, name), 'utf8')),
    spans.map(({ line }) => line),
  );
});

test('a file that cannot be moved away is a retryable result, and writing goes on once it can', async () => {
  const { folder, path } = place();
  const [a, b] = [spanOf('a'), spanOf('b')];
  const exporter = exporterFor(path, { append: true, rotation: { ...rotation, maxBytes: a.line.length } });
  await exporter.start();
  await exporter.export(a.batch, never);
  rmSync(folder, { recursive: true });
  for (let attempt = 0; attempt < 2; attempt++) {
    const result = await exporter.export(b.batch, never);
    assert.equal(result.kind === 'retry' && result.reason, 'file_error');
    assert.match(result.kind === 'retry' ? result.message : '', /ENOENT/);
  }
  mkdirSync(folder);
  assert.deepEqual(await exporter.export(b.batch, never), accepted);
  assert.equal(readFileSync(path, 'utf8'), b.line);
  await exporter.stop();
});

test('files that are too many or too old are removed, others are let alone', async () => {
  const { folder, path } = place();
  const stamps = [
    '2026-01-01T00-00-00.000',
    '2026-01-02T00-00-00.000',
    '2026-01-03T00-00-00.000',
    '2026-01-04T00-00-00.000',
  ];
  const names = stamps.map((stamp) => `spans-${stamp}.json`);
  const others = ['spans-notes.json', 'spans-2026-01-01T00-00-00.000.txt', 'other-2026-01-01T00-00-00.000.json'];
  for (const name of [...names, ...others]) writeFileSync(join(folder, name), '');
  const nowMs = Date.parse('2026-01-05T00:00:00Z');
  await prune(path, rotation, nowMs);
  assert.deepEqual(backupsIn(folder), [...names, ...others].sort(), 'no limits, nothing removed');
  await prune(path, { ...rotation, maxBackups: 3 }, nowMs);
  assert.deepEqual(backupsIn(folder), [...names.slice(1), ...others].sort());
  await prune(path, { ...rotation, maxAgeMs: 2.5 * 24 * 3600 * 1000 }, nowMs);
  assert.deepEqual(backupsIn(folder), [...names.slice(2), ...others].sort());
});

test('two files moved away in the same millisecond do not overwrite each other', async () => {
  const { folder, path } = place();
  const nowMs = Date.parse('2026-01-31T12:00:00.999Z');
  for (const text of ['first', 'second']) {
    writeFileSync(path, text);
    await moveAway(path, rotation, nowMs);
  }
  assert.deepEqual(
    backupsIn(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
    [
      ['spans-2026-01-31T12-00-00.999.json', 'first'],
      ['spans-2026-01-31T12-00-01.000.json', 'second'],
    ],
  );
});

test('names in local time are read back as such', async () => {
  const { folder, path } = place();
  writeFileSync(path, '');
  const nowMs = Date.now();
  await moveAway(path, { ...rotation, localTime: true }, nowMs);
  await prune(path, { ...rotation, localTime: true, maxAgeMs: 1000 }, nowMs + 1000);
  assert.equal(backupsIn(folder).length, 1);
  await prune(path, { ...rotation, localTime: true, maxAgeMs: 1000 }, nowMs + 1001);
  assert.equal(backupsIn(folder).length, 0);
});

test('the configuration refuses what the Collector refuses, and says what is not built in', () => {
  const codes = (config: unknown): unknown[] => {
    const result = file.config.safeParse(config);
    if (!result.success) return result.error.issues.map((issue) => issue.path.join('.'));
    return file.check?.(result.data).map((issue) => issue.path.join('.')) ?? [];
  };
  assert.deepEqual(codes({ path: 'x' }), []);
  assert.deepEqual(codes({ path: 'x', rotation: {}, format: 'proto', compression: 'zstd' }), []);
  assert.deepEqual(codes({ path: 'x', create_directory: true, directory_permissions: '0700' }), []);
  assert.deepEqual(codes({}), ['path']);
  assert.deepEqual(codes({ path: 'x', append: true, rotation: {} }), ['append']);
  assert.deepEqual(codes({ path: 'x', directory_permissions: '0700' }), ['directory_permissions']);
  assert.deepEqual(codes({ path: 'x', create_directory: true, directory_permissions: '0999' }), [
    'directory_permissions',
  ]);
  assert.deepEqual(codes({ path: 'x', format: 'yaml' }), ['format']);
  assert.deepEqual(codes({ path: 'x', compression: 'gzip' }), ['compression']);
  assert.deepEqual(codes({ path: 'x', encoding: 'otlp_encoding' }), ['encoding']);
  assert.deepEqual(codes({ path: 'x', group_by: { enabled: true } }), ['group_by.enabled']);
  assert.deepEqual(codes({ path: 'x', group_by: { enabled: false, max_open_files: 3 } }), []);
  assert.deepEqual(codes({ path: 'x', flush_interval: '-1s' }), ['flush_interval']);
});
