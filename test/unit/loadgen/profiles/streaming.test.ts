import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildCorpus } from '../../../../loadgen/corpus/build.ts';
import type { EventShape, SpanShape, TraceShape } from '../../../../loadgen/corpus/shape.ts';
import { createTraceSources } from '../../../../loadgen/profile/draw.ts';
import {
  attribute,
  checkTrace,
  drawTraces,
  hasFailed,
  mapOf,
  nameOf,
  optionsFor,
  plain,
  profileOf,
  serviceOf,
} from './drawn.ts';
import {
  asNumber,
  assertBetween,
  assertVocabulary,
  mean,
  numberOf,
  quantile,
  rootOf,
  SECOND_NS,
  shareOf,
  spansCalled,
} from './llm-traces.ts';
import { streamingVocabulary } from './streaming-vocabulary.ts';

const traces = drawTraces('streaming', 2000, 7);
const spans = traces.flatMap((trace) => trace.spans);

const of = (service: string): readonly TraceShape[] => traces.filter((trace) => serviceOf(rootOf(trace)) === service);
const spansOf = (service: string, name: RegExp): readonly SpanShape[] =>
  of(service).flatMap((trace) => spansCalled(trace, name));
const seconds = (span: SpanShape): number => (span.endNs - span.startNs) / SECOND_NS;
const chunks = (span: SpanShape) =>
  span.events.filter(({ name }) => /chunk/.test(name) && name !== 'ai.stream.firstChunk');
const eventNumber = (event: EventShape, key: string): number => asNumber(mapOf(event.attributes).get(key));
const open = (span: SpanShape): boolean => hasFailed(span) && STREAMS.test(nameOf(span));

/** Calls of models whose answer comes as a stream. */
const STREAMS = /^(ai\.streamText\.doStream|chat .*|openai\.chat|Completions|response)$/;
const TOOLS =
  /^(ai\.toolCall|execute_tool.*|.*\.tool|ask_customer|search_docs|run_query|get_weather|read_file|create_ticket)$/;

describe('the traces of the streaming profile', () => {
  it('come from five libraries, in their shares', () => {
    const shares = Object.fromEntries(
      Object.keys(streamingVocabulary).map((service) => [service, of(service).length / traces.length]),
    );
    assertBetween(shares['chat-app'] ?? 0, 0.3, 0.4, 'AI SDK up to 6');
    assertBetween(shares['assistant-api'] ?? 0, 0.17, 0.27, 'AI SDK 7');
    assertBetween(shares['research-bot'] ?? 0, 0.12, 0.2, 'OpenLLMetry');
    assertBetween(shares.unknown_service ?? 0, 0.08, 0.16, 'MLflow');
    assertBetween(shares['support-agents'] ?? 0, 0.1, 0.2, 'OpenAI agents');
  });

  it('are one tree each, children within the time of their parents', () => {
    for (const trace of traces) {
      checkTrace(trace);
    }
  });

  it('end minutes after their first spans have left', () => {
    const after = traces.map((trace) => {
      const ends = trace.spans.filter(({ parent }) => parent !== null).map(({ endNs }) => endNs);
      return (rootOf(trace).endNs - Math.min(...ends)) / SECOND_NS;
    });
    assertBetween(
      shareOf(after, (one) => one >= 60),
      0.35,
      0.85,
      'a minute and more',
    );
    assertBetween(
      shareOf(after, (one) => one >= 180),
      0.04,
      0.5,
      'three minutes and more',
    );
    assertBetween(quantile(traces.map(rootOf).map(seconds), 0.5), 40, 240, 'median of the roots in seconds');
    assertBetween(Math.max(...traces.map(rootOf).map(seconds)), 300, 4000, 'the longest root in seconds');
  });

  it('call tools and go on with what they gave, up to many times', () => {
    const rounds = traces.map((trace) => {
      const streams = spansCalled(trace, STREAMS);
      const tools = spansCalled(trace, TOOLS);
      for (const tool of tools)
        assert(
          streams.some((stream) => stream.endNs <= tool.startNs),
          nameOf(tool),
        );
      return tools.length === 0 ? 0 : streams.length;
    });
    assertBetween(
      shareOf(rounds, (one) => one > 1),
      0.55,
      0.9,
      'with tools',
    );
    assertBetween(
      shareOf(rounds, (one) => one > 5),
      0.1,
      0.4,
      'with long loops',
    );
    const parallel = traces.filter((trace) =>
      spansCalled(trace, TOOLS).some((tool, i, all) => all[i + 1]?.startNs === tool.startNs),
    );
    assertBetween(parallel.length / traces.length, 0.1, 0.6, 'with tools side by side');
    const broken = spans.filter((span) => TOOLS.test(nameOf(span)) && hasFailed(span));
    assert(broken.length > 20);
    for (const span of broken) assert.notEqual(span.status.message, '');
  });

  it('are aborted now and then: the answer is missing, what was open says so, and nothing comes after', () => {
    const cut = traces.filter((trace) => hasFailed(rootOf(trace)));
    assertBetween(cut.length / traces.length, 0.05, 0.16, 'aborted');
    for (const service of Object.keys(streamingVocabulary)) {
      assert(
        cut.some((trace) => serviceOf(rootOf(trace)) === service),
        service,
      );
    }
    for (const trace of cut) {
      const broken = trace.spans.filter(open);
      if (serviceOf(rootOf(trace)) === 'support-agents') continue;
      assert(broken.length <= 1);
      for (const span of broken) {
        assert(!span.attributes.some(([key]) => /usage|response\.id|Tokens/.test(key)), nameOf(span));
        assert(spansCalled(trace, STREAMS).every((other) => other === span || other.endNs <= span.startNs));
        assert(span.events.some(({ name, atNs }) => name === 'exception' && atNs === span.endNs));
        assert(span.parent !== null && hasFailed(span.parent));
      }
    }
  });

  it('end early where the whole run is aborted: what would come after does not happen', () => {
    for (const [service, last] of [
      ['unknown_service', 'predict_stream > Completions'],
      ['support-agents', 'Agent workflow > Refund agent'],
    ] as const) {
      const complete = (trace: TraceShape) =>
        trace.spans.some((span) => span.parent !== null && `${nameOf(span.parent)} > ${nameOf(span)}` === last);
      const [aborted, whole] = [true, false].map((cut) => of(service).filter((one) => hasFailed(rootOf(one)) === cut));
      assert(aborted !== undefined && whole !== undefined && aborted.length > 3);
      assert(shareOf(whole, complete) > 0.75, service);
      assert(shareOf(aborted, complete) < 0.65, service);
    }
  });
});

describe('the streams of the streaming profile', () => {
  it('have an event for every chunk, as many as an SDK keeps at most', () => {
    const most = Math.max(...spans.map((span) => span.events.length));
    assert.equal(most, 128);
    const answers = spansOf('research-bot', /^openai\.chat$/).map((span) => chunks(span).length);
    assertBetween(mean(answers), 25, 80, 'chunks of a call');
    assertBetween(
      shareOf(answers, (count) => count === 128),
      0.05,
      0.3,
      'calls with 128 chunks',
    );
    for (const span of spansOf('research-bot', /^openai\.chat$/)) {
      assert(span.events.length <= 128);
      for (const { name, attributes } of chunks(span)) {
        assert.equal(name, 'llm.content.completion.chunk');
        assert.deepEqual(attributes, []);
      }
    }
  });

  it('number the chunks of MLflow from 0 in the order of their times, each with its JSON', () => {
    const streams = spansOf('unknown_service', /^(Completions|predict_stream)$/);
    assert(streams.length > 300);
    for (const span of streams) {
      let before = span.startNs;
      for (const [i, { name, atNs, attributes }] of chunks(span).entries()) {
        assert.equal(name, `mlflow.chunk.item.${i}`);
        assert(atNs >= before && atNs <= span.endNs);
        before = atNs;
        const chunk: unknown = JSON.parse(String(mapOf(attributes).get('mlflow.chunk.value')));
        assert(chunk instanceof Object && ('delta' in chunk || 'choices' in chunk));
      }
    }
  });

  it('say when the first token came, in the unit of their library', () => {
    const old = spansOf('chat-app', /doStream$/);
    for (const span of old) {
      const [first] = span.events;
      assert.equal(first?.name, 'ai.stream.firstChunk');
      const ms = eventNumber(first, 'ai.response.msToFirstChunk');
      assertBetween(ms, 1, 90_000, 'milliseconds to the first chunk');
      const inSpan = attribute(span, 'ai.response.msToFirstChunk');
      assert.equal(inSpan !== undefined, span.events.at(-1)?.name === 'ai.stream.finish');
    }
    const inMs = old
      .flatMap(({ events: [first] }) => first ?? [])
      .map((one) => eventNumber(one, 'ai.response.msToFirstChunk'));
    assertBetween(quantile(inMs, 0.5), 650, 920, 'median in milliseconds');
    const now = spansOf('assistant-api', /^chat /).filter((span) => !hasFailed(span));
    const first = now.map((span) => numberOf(span, 'gen_ai.client.operation.time_to_first_chunk'));
    assertBetween(quantile(first, 0.5), 0.65, 0.92, 'median in seconds');
  });

  it('count tokens that add up', () => {
    const sums = [
      ['ai.usage.inputTokens', 'ai.usage.outputTokens', 'ai.usage.totalTokens'],
      ['gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens', 'llm.usage.total_tokens'],
      ['llm.token_count.prompt', 'llm.token_count.completion', 'llm.token_count.total'],
    ] as const;
    for (const [input, output, total] of sums) {
      const counted = spans.filter((span) => attribute(span, total) !== undefined);
      assert(counted.length > 100, total);
      for (const span of counted) assert.equal(numberOf(span, input) + numberOf(span, output), numberOf(span, total));
    }
    for (const span of spansOf('chat-app', /doStream$/)) {
      assert.equal(attribute(span, 'gen_ai.usage.input_tokens'), attribute(span, 'ai.usage.inputTokens'));
    }
  });

  it('have totals above them that are their sums, and the last answer once more', () => {
    const below = (span: SpanShape): readonly SpanShape[] =>
      spans.filter((one) => one.parent === span).flatMap((one) => [one, ...below(one)]);
    const sdks = [
      [
        'chat-app',
        /^ai\.streamText$/,
        /doStream$/,
        ['ai.usage.inputTokens', 'ai.usage.outputTokens', 'ai.usage.totalTokens'],
      ],
      ['assistant-api', /^invoke_agent /, /^chat /, ['gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens']],
    ] as const;
    for (const [service, above, step, keys] of sdks) {
      const whole = spansOf(service, above).filter((span) => attribute(span, keys[0]) !== undefined);
      assert(whole.length > 100, service);
      for (const span of whole.slice(0, 150)) {
        const steps = below(span).filter((one) => step.test(nameOf(one)));
        for (const key of keys) {
          const sum = steps.reduce((all, one) => all + numberOf(one, key), 0);
          assert.equal(numberOf(span, key), sum, key);
        }
      }
    }
    for (const span of spansOf('chat-app', /^ai\.streamText$/)) {
      const last = spans.filter((one) => one.parent === span && /doStream$/.test(nameOf(one))).at(-1);
      for (const key of ['ai.response.text', 'ai.response.finishReason']) {
        assert(last !== undefined);
        assert.deepEqual(attribute(span, key), attribute(last, key), key);
      }
    }
  });

  it('give tokens at the speed of a model, which the AI SDK says', () => {
    const speeds = spansOf('chat-app', /doStream$/).flatMap((span) => {
      if (attribute(span, 'ai.usage.outputTokens') === undefined) return [];
      const speed = numberOf(span, 'ai.response.avgOutputTokensPerSecond');
      const own = (1000 * numberOf(span, 'ai.usage.outputTokens')) / numberOf(span, 'ai.response.msToFinish');
      assert(Math.abs(own - speed) < 1e-9 * own);
      return [speed];
    });
    assertBetween(quantile(speeds, 0.5), 30, 46, 'median of tokens a second');
    assertBetween(Math.max(...speeds), 100, 300, 'the fastest');
  });
});

describe('the spans of the streaming profile', () => {
  for (const [service, listed] of Object.entries(streamingVocabulary)) {
    it(`have the attributes of ${service}, and no others`, () => {
      assertVocabulary(
        of(service).flatMap((trace) => trace.spans),
        listed,
      );
    });
  }

  it('stand below one another as the libraries nest them', () => {
    const edges = new Set(
      spans.map((span) =>
        `${span.parent === null ? '' : nameOf(span.parent)} > ${nameOf(span)}`.replaceAll(
          / (gpt|claude|gemini)[-.\w]*/g,
          '',
        ),
      ),
    );
    for (const edge of [
      ' > POST /api/chat/route',
      'POST /api/chat/route > ai.streamText',
      'ai.streamText > ai.streamText.doStream',
      'ai.streamText > ai.toolCall',
      ' > invoke_agent',
      'invoke_agent > step 1',
      'invoke_agent > step 7',
      'step 2 > chat',
      'step 6 > execute_tool runQuery',
      'answer_question.workflow > research_step.task',
      'research_step.task > openai.chat',
      'research_step.task > get_weather.tool',
      'predict_stream > call_and_run_tools',
      'call_and_run_tools > Completions',
      'call_and_run_tools > execute_tool',
      'Agent workflow > Refund agent',
      'Triage agent > handoff to Refund agent',
      'Refund agent > response',
    ]) {
      assert(edges.has(edge), edge);
    }
  });

  it('come from the scopes of their libraries', () => {
    assert.deepEqual([...new Set(spans.map(({ scope }) => `${scope.name} ${scope.version}`.trim()))].sort(), [
      'ai',
      'gen_ai',
      'mlflow.tracing.provider',
      'next.js 0.0.1',
      'openinference.instrumentation.openai_agents 1.4.1',
      'opentelemetry.instrumentation.openai.v1 0.53.3',
      'traceloop.tracer 0.53.3',
    ]);
  });

  it('hold JSON where the libraries write JSON', () => {
    const json =
      /^(ai\.prompt(\.messages)?|ai\.toolCall\.(args|result)|gen_ai\.(input|output)\.messages|traceloop\.entity\.(input|output)|mlflow\..*|llm\.invocation_parameters)$/;
    let read = 0;
    for (const [key, value] of spans.slice(0, 4000).flatMap(({ attributes }) => attributes)) {
      if (!json.test(key)) continue;
      assert.doesNotThrow(() => JSON.parse(String(plain(value))), key);
      read++;
    }
    assert(read > 2000);
  });
});

describe('the exports of the streaming profile', () => {
  const limits = { enoughBytes: 8 * 2 ** 20, enoughSpans: 8000, fewestRequests: 1, mostBytes: 16 * 2 ** 20 };
  const corpusAt = (timeScale: number) => {
    const options = { ...optionsFor('streaming', 7), timeScale };
    return buildCorpus(options, createTraceSources(profileOf('streaming'), options), limits);
  };
  const corpus = corpusAt(1);

  it('take spans of some kilobytes, without long prompts', () => {
    const bytes = [...corpus.spanEnd].map((end, ordinal) => end - (corpus.spanStart[ordinal] ?? 0));
    assertBetween(mean(bytes), 1500, 8000, 'bytes of a span');
    assertBetween(Math.max(...bytes), 20_000, 200_000, 'the largest span');
    assertBetween(corpus.spans / corpus.traces, 5, 20, 'spans of a trace');
  });

  it('send a root minutes after the first spans of its trace, sooner where time is scaled', () => {
    const requestOf = new Int32Array(corpus.spans);
    for (const [i, { first, spans: count }] of corpus.requests.entries()) requestOf.fill(i, first, first + count);
    const apart = new Set<number>();
    for (let ordinal = 0; ordinal < corpus.spans; ordinal++) {
      const parent = corpus.parentOf[ordinal] ?? -1;
      if (parent >= 0 && requestOf[parent] !== requestOf[ordinal]) apart.add(corpus.traceOf[ordinal] ?? -1);
    }
    assertBetween(apart.size / corpus.traces, 0.6, 1, 'traces in more than one request');
    const latest = (delays: readonly { readonly delayNs: number }[]) =>
      Math.max(...delays.map(({ delayNs }) => delayNs));
    assert(latest(corpus.requests) > 120 * SECOND_NS);
    assertBetween(latest(corpusAt(0.01).requests), 1.2 * SECOND_NS, 12 * SECOND_NS, 'delay at a hundredth of the time');
  });
});
