// Process: the backend of a run. Takes exports, has the faults that were asked for, and accounts for every span.
import { renderIssues } from '../../src/config/render.ts';
import { SpanmillError } from '../../src/errors.ts';
import { serveParent } from '../child.ts';
import { createClock } from '../clock.ts';
import { corpusOf } from '../corpus/build.ts';
import { createStamper } from '../corpus/stamp.ts';
import { createRandom } from '../profile/random.ts';
import { createArrivals } from './arrivals.ts';
import { createSpanCheck } from './check.ts';
import { indexCorpus } from './corpus-index.ts';
import { createExpectation } from './expect.ts';
import { type ExpectConfig, noExpectations, readExpectations } from './expect-schema.ts';
import { createFaults, parseFault } from './faults.ts';
import type { SinkOptions, SinkReady, SinkReport, SinkRequest, SinkTick } from './messages.ts';
import { serveSink } from './server.ts';
import { settle } from './settle.ts';

function expectations(file: SinkOptions['expect']): ExpectConfig {
  if (file === null) return noExpectations;
  const { config, issues } = readExpectations(file.name, file.text);
  if (config !== null) return config;
  throw new SpanmillError(issues[0].code, renderIssues(issues, false));
}

/** 48 bits: no run has more. */
const mostSpans = 2 ** 48;

serveParent<SinkOptions, SinkRequest>(async (options) => {
  const faults = createFaults(options.faults.map(parseFault), createRandom(options.corpus.seed).unit);
  const config = expectations(options.expect);
  const corpus = corpusOf(options.corpus);
  const expectation = createExpectation(config, corpus);
  const check = createSpanCheck(corpus, indexCorpus(corpus), createStamper(corpus), expectation.rules);
  const clock = createClock(BigInt(options.clockOffset));
  const origin = clock.nowApprox();
  const arrivals = createArrivals({
    corpus,
    originNs: BigInt(origin),
    mostSpans,
    check,
    checkShare: options.checkShare,
  });
  const server = await serveSink(options.host, options.port, {
    arrivals,
    faults,
    nowNs: () => clock.nowApprox() - origin,
  });

  function counters() {
    const { requests, bytes } = server.counters();
    const { user, system } = process.cpuUsage();
    return { ...arrivals.counts(), requests, bytes, cpuMicroseconds: user + system };
  }
  function answer(question: SinkRequest): SinkTick | SinkReport | null {
    switch (question.kind) {
      case 'tick':
        return { ...counters(), endToEnd: arrivals.latency.lately() };
      case 'settle': {
        const { end: generated, unsure } = question;
        const { bitmap } = arrivals;
        const seen = { counts: arrivals.counts(), oddities: arrivals.oddities() };
        const settled = settle({ corpus, generated, unsure, expectation, bitmap, ...seen });
        return { ...counters(), ...settled, endToEnd: arrivals.latency.withCurve() };
      }
      case 'resetLatency':
        arrivals.latency.reset();
        return null;
    }
  }
  const ready: SinkReady = { port: server.port };
  return { ready, answer };
});
