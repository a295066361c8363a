// Process: the backend of a run. Takes exports, has the faults that were asked for, and accounts for every span.
import { renderIssues } from '../../src/config/render.ts';
import type { Issue } from '../../src/config/source.ts';
import { SpanmillError } from '../../src/errors.ts';
import { serveParent } from '../child.ts';
import { createClock } from '../clock.ts';
import { corpusOf, type StampableCorpus } from '../corpus/build.ts';
import { numberRange } from '../corpus/identity.ts';
import { createStamper } from '../corpus/stamp.ts';
import { cpuWaitMicroseconds } from '../cpu-wait.ts';
import { createRandom } from '../profile/random.ts';
import { createArrivals } from './arrivals.ts';
import { createSpanCheck } from './check.ts';
import { type CorpusIndex, indexCorpus } from './corpus-index.ts';
import { FreshCondition } from './drop-conditions.ts';
import { createExpectation, type Expectation } from './expect.ts';
import { noExpectations, readExpectations } from './expect-schema.ts';
import { createFaults, parseFault } from './faults.ts';
import type { SinkOptions, SinkReady, SinkReport, SinkRequest, SinkTick } from './messages.ts';
import { serveSink } from './server.ts';
import { settle } from './settle.ts';

const refused = (issues: readonly Issue[]) => new SpanmillError(issues[0].code, renderIssues(issues, false));

/** Reads the file at once. Both throw a SpanmillError that says what is wrong in it, and where. */
function expectations(file: SinkOptions['expect']): (corpus: StampableCorpus, index: CorpusIndex) => Expectation {
  if (file === null) return (corpus, index) => createExpectation(noExpectations, corpus, index);
  const read = readExpectations(file.name, file.text);
  if (read.config === null) throw refused(read.issues);
  const { config, issueAt } = read;
  return (corpus, index) => {
    try {
      return createExpectation(config, corpus, index);
    } catch (error) {
      if (!(error instanceof FreshCondition)) throw error;
      throw refused([issueAt(error.path, error.message)]);
    }
  };
}

/** Of random numbers: which requests are checked. The faults have the stream 0. */
const checkStream = 1;

serveParent<SinkOptions, SinkRequest>(async (options) => {
  const faults = createFaults(options.faults.map(parseFault), createRandom(options.corpus.seed).unit);
  const expectationFor = expectations(options.expect);
  const corpus = corpusOf(options.corpus);
  const index = indexCorpus(corpus);
  const expectation = expectationFor(corpus, index);
  const check = createSpanCheck(corpus, index, createStamper(corpus), expectation.rules);
  const clock = createClock(BigInt(options.clockOffset));
  const origin = clock.nowApprox();
  const arrivals = createArrivals({
    corpus,
    originNs: BigInt(origin),
    mostSpans: numberRange,
    check,
    checkShare: options.checkShare,
    random: createRandom(options.corpus.seed, checkStream).unit,
  });
  const server = await serveSink(options.host, options.port, {
    arrivals,
    faults,
    nowNs: () => clock.nowApprox() - origin,
  });

  function counters() {
    const { requests, bytes } = server.counters();
    const { user, system } = process.cpuUsage();
    const cpuMicroseconds = user + system;
    return { ...arrivals.counts(), requests, bytes, cpuMicroseconds, cpuWaitMicroseconds: cpuWaitMicroseconds() };
  }
  async function answer(question: SinkRequest): Promise<SinkTick | SinkReport | null> {
    switch (question.kind) {
      case 'tick':
        return { ...counters(), atMs: clock.nowApprox() / 1e6, endToEnd: arrivals.latency.lately() };
      case 'settle': {
        const { end: generated, unsure } = question;
        const { bitmap, rejected } = arrivals;
        const seen = { counts: arrivals.counts(), oddities: arrivals.oddities() };
        const settled = settle({ corpus, generated, unsure, expectation, bitmap, rejected, ...seen });
        return { ...counters(), ...settled, endToEnd: arrivals.latency.withCurve() };
      }
      case 'finish':
        await server.answered();
        return null;
      case 'resetLatency':
        arrivals.latency.reset();
        return null;
    }
  }
  const ready: SinkReady = { port: server.port };
  return { ready, answer };
});
