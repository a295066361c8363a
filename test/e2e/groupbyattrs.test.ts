// groupbyattrs behind a batch: what is alike in all of a batch comes together, however many pieces of memory it lies in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRequest, encodeRequest } from '../../src/wire/reference/codec.ts';
import { requestOf, spanOf } from '../unit/processors/attributes/run-chain.ts';
import { attribute } from '../unit/processors/groupbyattrs/inputs.ts';
import { createClient, createTally } from './support/client.ts';
import { assertClean, startService } from './support/service.ts';
import { startSink } from './support/sink.ts';

const pipelinesBehind = {
  'a batch': { traces: { receivers: ['otlp'], processors: ['batch', 'groupbyattrs'], exporters: ['otlp'] } },
  'a connector': {
    'traces/front': { receivers: ['otlp'], processors: ['batch'], exporters: ['forward'] },
    traces: { receivers: ['forward'], processors: ['groupbyattrs'], exporters: ['otlp'] },
  },
};

for (const [name, pipelines] of Object.entries(pipelinesBehind)) {
  test(`behind ${name} several megabytes leave with each resource once`, async (t) => {
    const sink = await startSink(t);
    const requests = 60;
    const spans = 100;
    const service = await startService(t, {
      receivers: { otlp: { protocols: { grpc: { endpoint: '127.0.0.1:0' } } } },
      processors: {
        batch: { send_batch_size: requests * spans, timeout: '60s' },
        groupbyattrs: { keys: ['host'] },
      },
      ...(name === 'a connector' && { connectors: { forward: {} } }),
      exporters: { otlp: { endpoint: `127.0.0.1:${sink.port}`, tls: { insecure: true }, compression: 'none' } },
      service: {
        workers: 1,
        telemetry: { metrics: { level: 'none' }, logs: { encoding: 'json' } },
        pipelines,
      },
    });
    const client = createClient(t, service, createTally());
    const padding = attribute('padding', { stringValue: 'x'.repeat(500) });
    const replies = await Promise.all(
      Array.from({ length: requests }, async (_, i) => {
        const made = Array.from({ length: spans }, (_, j) =>
          spanOf(i * spans + j, { attributes: [attribute('host', { stringValue: `web-${j % 7}` }), padding] }),
        );
        const resource = [attribute('service', { stringValue: 'shop' })];
        return await client.send({ message: Buffer.from(encodeRequest(requestOf(made, resource))), ids: [] });
      }),
    );
    for (const { code, message } of replies) assert.equal(code, 0, message);
    assertClean(await service.end(), service);
    const [first, ...others] = sink.exports.map(({ message }) => decodeRequest(message).resourceSpans);
    assert.equal(others.length, 0, 'all of it in one request');
    assert.deepEqual(
      first.map(({ resource, scopeSpans }) => [
        resource?.attributes.map(({ value }) => value?.stringValue),
        scopeSpans.map((scope) => scope.spans.length),
      ]),
      Array.from({ length: 7 }, (_, host) => [['shop', `web-${host}`], [requests * Math.ceil((spans - host) / 7)]]),
    );
  });
}
