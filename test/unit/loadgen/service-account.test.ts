import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { watchService } from '../../../loadgen/service-account.ts';

/** Answers with each text once, and then with the last one. */
async function serving(t: TestContext, texts: readonly string[]): Promise<string> {
  let asked = 0;
  const server = createServer((_, response) => response.end(texts[Math.min(asked++, texts.length - 1)]));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
}

const spanmill = (accepted: number, sent: number): string => `# HELP otelcol_receiver_accepted_spans of 99
otelcol_receiver_accepted_spans{receiver="otlp",transport="grpc"} ${accepted}
otelcol_receiver_accepted_spans{receiver="otlp/2",transport="http"} 5
otelcol_receiver_refused_spans{receiver="otlp"} 2
otelcol_exporter_sent_spans{exporter="otlp"} ${sent}
otelcol_exporter_sent_spans_sum 1000
`;

test('the counters of all receivers and exporters are added up, and what was there before is taken off', async (t) => {
  const url = await serving(t, [spanmill(10, 4), spanmill(30, 24)]);
  const watch = await watchService(url);
  assert.deepEqual(await watch.rest(0), { accepted: 20, refused: 0, sent: 20, failed: 0 });
});

test('counters may end in _total, and what a service does not have is zero', async (t) => {
  const url = await serving(t, [
    '',
    'otelcol_receiver_accepted_spans_total{a="b"} 7\notelcol_exporter_send_failed_spans_total 7 1700000000\n',
  ]);
  assert.deepEqual(await (await watchService(url)).rest(0), { accepted: 7, refused: 0, sent: 0, failed: 7 });
});

test('what is still to be sent is waited for as long as some is', async (t) => {
  const url = await serving(
    t,
    [0, 10, 12, 20].map((sent) => spanmill(sent === 0 ? 0 : 20, sent)),
  );
  assert.equal((await (await watchService(url)).rest(60_000)).sent, 20);
});

test('an endpoint that does not answer is an error of one line', async () => {
  await assert.rejects(watchService('http://127.0.0.1:59/metrics'), {
    code: 'CONNECT',
    message: /^--metrics http:\/\/127\.0\.0\.1:59\/metrics: .*ECONNREFUSED[^\n]*$/,
  });
});
