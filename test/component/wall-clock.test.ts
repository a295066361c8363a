// Durations, deadlines and ages are of a clock that never jumps (performance.now()). Wall time is read only where it is meant.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../src', import.meta.url));

/** File -> what it wants wall time for. */
const meant: Readonly<Record<string, string>> = {
  'control/reloader.ts': 'a metric: when the configuration was last taken into use',
  'control/set-aside.ts': 'the name of a file',
  'exporters/file/exporter.ts': 'names and ages of rotated files, in days',
  'exporters/otlp_http/exporter.ts': 'Retry-After as a date, of a peer that sends no Date',
  'extensions/dead_letter/extension.ts': 'the name of a file, and when it was written',
  'extensions/file_storage/extension.ts': 'the name of a store that is set aside',
  'extensions/health_check/answer.ts': 'times that people read',
  'extensions/health_check/server.ts': 'times that people read',
  'ottl/functions/other.ts': 'a UUID of version 7 has the time in it',
  'ottl/functions/times-local.ts': 'the names that zones have this year',
  'ottl/functions/times-parse.ts': 'a text without a date is of today',
  'ottl/functions/times.ts': 'the time of day, which a rule asks for',
  'telemetry/log.ts': 'the time of a line',
  'transport/fresh-files.ts': 'compared with times of files',
  'transport/grpc-js/grpc-client.ts': '@grpc/grpc-js takes deadlines as dates; the attempt has its own limit besides',
  'transport/http1/date-line.ts': 'the Date of answers',
  'transport/tls/expiry.ts': 'compared with dates of certificates',
};

const readsWallTime = /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bperformance\.timeOrigin\b|\bTemporal\.Now\b/;

test('wall time is read only by files that mean it', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  assert.ok(files.length > 100);
  const reading = files.filter((name) => readsWallTime.test(readFileSync(join(folder, name), 'utf8')));
  assert.deepEqual(reading.sort(), Object.keys(meant).sort());
});
