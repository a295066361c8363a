import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderComponents } from '../../../scripts/components-doc.ts';
import { renderErrors } from '../../../scripts/errors-doc.ts';
import { errorCodes } from '../../../src/errors.ts';
import { testRegistry } from '../../config/test-registry.ts';

test('every error code stands in docs/errors.md once, with its meaning', () => {
  const text = renderErrors(errorCodes);
  for (const [code, meaning] of Object.entries(errorCodes)) {
    assert.equal(text.split(`| \`${code}\` | ${meaning} |`).length, 2, code);
  }
});

test('docs/errors.md is what the table of codes says', () => {
  const script = join(import.meta.dirname, '../../../scripts/errors-doc.ts');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test('every field of every component is documented with its type, default and description', () => {
  const pages = renderComponents(testRegistry);
  const text = [...pages.values()].join('\n');
  const rows = [
    '| `timeout` | duration | `"200ms"` | Time after which a batch goes. |',
    '| `protocols` | block | required | The protocols to serve. |',
    '| `protocols.grpc.keepalive.time` | duration | `"2h"` | Idle time before a ping. |',
    '| `actions` | list of block | required | What to do, in order. |',
    '| `actions.key` | string | required | The attribute. |',
    '| `headers` | map of string | `{}` | Sent with each call. |',
    '| `verbosity` | basic, normal, detailed | `"basic"` | How much is printed. |',
    '| `tls.insecure` | boolean | `false` | Plain text. |',
  ];
  for (const row of rows) assert.ok(text.includes(`\n${row}\n`), `${row}\n\n${text}`);
  const otlp = pages.get('components/exporters/otlp.md') ?? '';
  assert.match(
    otlp,
    /^# otlp \(exporter\)\n[\s\S]*\n\nSends spans over OTLP\/gRPC\. Stability: beta\. Also: `otlp_grpc`\.\n/,
  );
});

test('examples and metrics are shown', () => {
  const [batch] = testRegistry.processors;
  assert.ok(batch);
  const documented = {
    ...batch,
    examples: [{ title: 'Large batches', yaml: 'send_batch_size: 20000\n' }],
    metrics: [{ name: 'm_total', kind: 'counter', help: 'Counts.', labels: ['processor'] }],
  } as const;
  const text =
    renderComponents({ ...testRegistry, processors: [documented] }).get('components/processors/batch.md') ?? '';
  assert.ok(text.includes('Large batches:\n\n```yaml\nbatch:\n  send_batch_size: 20000\n```\n'));
  assert.ok(text.includes('| `m_total` | counter | `processor` | Counts. |'));
});
