// Process: sends spans. See load.ts for what it does and messages.ts for what it is asked.
import { serveParent } from '../child.ts';
import { connect } from '../client/client.ts';
import { createClock } from '../clock.ts';
import { corpusOf } from '../corpus/build.ts';
import type { CorpusOptions } from '../corpus/corpus.ts';
import { sdkRequestsOf, serializeSpans } from '../corpus/sdk.ts';
import { createStamper } from '../corpus/stamp.ts';
import { now } from './connections.ts';
import { Load, type RequestSource } from './load.ts';
import type { GeneratorOptions, GeneratorReady, GeneratorRequest, GeneratorTick } from './messages.ts';

const twoTo32 = 2 ** 32;

/** From this process's clock to Unix time, in two halves of 32 bits. */
function createUnixTime(clockOffset: bigint) {
  const origin = clockOffset + process.hrtime.bigint() - BigInt(Math.round(now()));
  const originHigh = Number(origin >> 32n);
  const originLow = Number(origin & 0xffff_ffffn);
  return {
    low: (ns: number) => ((originLow + ns) % twoTo32) >>> 0,
    high: (ns: number) => originHigh + Math.floor((originLow + ns) / twoTo32),
  };
}
type UnixTime = ReturnType<typeof createUnixTime>;

interface Source extends RequestSource {
  readonly ready: GeneratorReady;
}

/** Requests that were encoded once. */
function corpusSource(options: CorpusOptions, unix: UnixTime): Source {
  const corpus = corpusOf(options);
  const { requests, spans, bytes } = corpus;
  const stamper = createStamper(corpus);
  const bodies = requests.map(({ start, end }) => bytes.subarray(start, end));
  return {
    requests,
    spans,
    ready: { spansPerRequest: spans / requests.length },
    body(index, round, dueNs) {
      stamper.stampRequest(index, round, unix.low(dueNs), unix.high(dueNs));
      return bodies[index];
    },
  };
}

/** Spans made anew and encoded by the SDK for each request. */
function sdkSource(options: CorpusOptions, unix: UnixTime): Source {
  const { requests, spans, spansOf } = sdkRequestsOf(options);
  return {
    requests,
    spans,
    ready: { spansPerRequest: spans / requests.length },
    body(index, round, dueNs) {
      const bytes = serializeSpans(options.encoding, spansOf(index, round, unix.low(dueNs), unix.high(dueNs)));
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    },
  };
}

serveParent<GeneratorOptions, GeneratorRequest>(async (options) => {
  const clockOffset = BigInt(options.clockOffset);
  const unix = createUnixTime(clockOffset);
  const clock = createClock(clockOffset);
  const source = (options.encoder === 'sdk' ? sdkSource : corpusSource)(options.corpus, unix);
  const load = await Load.open(source, {
    connections: options.connections,
    maxInFlight: options.maxInFlight,
    connect: (onUnusable) => connect(options.client, { ...options.target, onUnusable }),
  });
  return {
    ready: source.ready,
    async answer(question) {
      switch (question.kind) {
        case 'start':
          load.start(question.pace);
          return null;
        case 'stop':
          await load.stop(question.limitMs);
          return load.report();
        case 'flush':
          await load.flush(question.limitMs);
          return load.report();
        case 'abandon':
          load.abandon();
          return null;
        case 'tick':
          return { ...load.tick(), atMs: clock.nowApprox() / 1e6 } satisfies GeneratorTick;
        case 'report':
          return load.report();
        case 'resetLatency':
          load.resetLatency();
          return null;
      }
    },
  };
});
