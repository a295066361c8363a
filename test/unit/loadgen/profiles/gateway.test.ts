import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SpanShape, TraceShape } from '../../../../loadgen/corpus/shape.ts';
import { attribute, checkTrace, corpusOf, drawTraces, hasFailed, mapOf, nameOf, serviceOf } from './drawn.ts';
import { gatewayVocabulary } from './gateway-vocabulary.ts';
import {
  assertBetween,
  assertVocabulary,
  mean,
  numberOf,
  quantile,
  rootOf,
  shareOf,
  spansCalled,
} from './llm-traces.ts';

const traces = drawTraces('gateway', 6000, 7);

/** By family: what says that a step of a request happened. Steps that a program records in another's span are left out. */
interface Family {
  readonly check: RegExp;
  readonly cache: RegExp;
  readonly routing: RegExp;
  /** Every attempt at a provider. */
  readonly upstream: RegExp;
  readonly status: string;
}

const families: Readonly<Record<string, Family>> = {
  bifrost: {
    check: /^plugin\.governance\.prehook$/,
    cache: /^plugin\.semantic_cache\.prehook$/,
    routing: /^key\.selection$/,
    upstream: /^(chat |retry\.attempt\.)/,
    status: 'http.status_code',
  },
  litellm: {
    check: /^auth \/v1\/chat\/completions$/,
    cache: /^redis\.get llm_response$/,
    routing: /^chat /,
    upstream: /^chat /,
    status: 'http.status_code',
  },
  classic: {
    check: /^auth$/,
    cache: /^redis$/,
    routing: /^router$/,
    upstream: /^litellm_request$/,
    status: '',
  },
  tensorzero: {
    check: /^tensorzero_auth$/,
    cache: /^model_inference$/,
    routing: /^variant_inference$/,
    upstream: /^model_provider_inference$/,
    status: 'http.response.status_code',
  },
};

const familyOf = (trace: TraceShape): string => {
  const root = rootOf(trace);
  if (nameOf(root) === 'Received Proxy Server Request') return 'classic';
  return String(serviceOf(root)).replace('-gateway', '');
};

const family = (trace: TraceShape): Family => {
  const found = families[familyOf(trace)];
  assert(found !== undefined, familyOf(trace));
  return found;
};

const of = (name: string): readonly TraceShape[] => traces.filter((trace) => familyOf(trace) === name);
const attempts = (trace: TraceShape): readonly SpanShape[] => spansCalled(trace, family(trace).upstream);
const refusedAtTheDoor = (trace: TraceShape): boolean =>
  spansCalled(trace, family(trace).check).some(hasFailed) || spansCalled(trace, family(trace).cache).length === 0;

describe('the requests of the gateway profile', () => {
  it('come from Bifrost, LiteLLM of both generations and a Rust server, in their shares', () => {
    const share = (name: string) => of(name).length / traces.length;
    assertBetween(share('bifrost'), 0.34, 0.43, 'bifrost');
    assertBetween(share('litellm'), 0.25, 0.33, 'litellm');
    assertBetween(share('classic'), 0.07, 0.12, 'classic');
    assertBetween(share('tensorzero'), 0.19, 0.27, 'tensorzero');
  });

  it('have their key checked first, and end there when it is refused', () => {
    for (const trace of traces) {
      const [check] = spansCalled(trace, family(trace).check);
      assert(check !== undefined);
      for (const span of trace.spans) {
        if (span.parent === check || span.parent === null || span === check) continue;
        assert(span.startNs >= check.endNs, `${nameOf(span)} before the key check`);
      }
    }
    const denied = traces.filter(refusedAtTheDoor);
    assertBetween(denied.length / traces.length, 0.01, 0.05, 'denied');
    for (const trace of denied) assert.equal(attempts(trace).length, 0);
  });

  it('ask the cache and are routed before they go to a provider; some are answered by the cache', () => {
    for (const name of Object.keys(families)) {
      const served = of(name).filter((trace) => !refusedAtTheDoor(trace));
      const cached = served.filter((trace) => attempts(trace).length === 0);
      const most = name === 'classic' ? 0 : 0.2;
      assertBetween(cached.length / served.length, name === 'classic' ? 0 : 0.05, most, `${name} from the cache`);
      for (const trace of served) {
        const [cache] = spansCalled(trace, family(trace).cache);
        const [routing] = spansCalled(trace, family(trace).routing);
        const [first] = attempts(trace);
        assert(cache !== undefined);
        if (first === undefined) continue;
        assert(routing !== undefined);
        assert(cache.startNs <= first.startNs && routing.startNs <= first.startNs);
      }
    }
  });

  it('are tried again in 5 of 100 cases, and with another provider when that does not help', () => {
    const upstream = traces.filter((trace) => attempts(trace).length > 0);
    assertBetween(
      shareOf(upstream, (trace) => attempts(trace).length > 1),
      0.035,
      0.065,
      'retried',
    );
    const bifrost = of('bifrost').filter((trace) => attempts(trace).length > 1);
    assertBetween(
      shareOf(bifrost, (trace) => spansCalled(trace, /^retry\.attempt\.2$/).length === 1),
      0.25,
      0.55,
      'twice',
    );
    assertBetween(
      shareOf(bifrost, (trace) => spansCalled(trace, /^fallback\./).length === 1),
      0.1,
      0.4,
      'fallback',
    );
    const litellm = of('litellm').filter((trace) => attempts(trace).length > 2);
    assert(litellm.length > 5);
    for (const trace of litellm) {
      const [first, second, third] = attempts(trace).map((span) => attribute(span, 'gen_ai.provider.name'));
      assert.equal(first, second);
      assert.notEqual(first, third);
    }
    const providers = of('tensorzero').filter((trace) => attempts(trace).length > 1);
    assert(providers.every((trace) => spansCalled(trace, /^model_provider_inference$/).some(hasFailed)));
  });

  it('fail exactly when their last attempt failed, with the status that the client got', () => {
    let lost = 0;
    for (const trace of traces) {
      const last = attempts(trace).at(-1);
      if (last === undefined) continue;
      const root = rootOf(trace);
      assert.equal(hasFailed(root), hasFailed(last), `${familyOf(trace)} ${attempts(trace).length} attempts`);
      const { status } = family(trace);
      if (status === '') continue;
      const code = attribute(root, status);
      if (hasFailed(root)) assert.notEqual(code, 200);
      else assert.equal(code, 200);
      if (hasFailed(root)) lost++;
    }
    assertBetween(lost / traces.length, 0.009, 0.03, 'answered with an error');
  });

  it('end where their attempts and hooks end, but for records written after the answer', () => {
    for (const trace of traces) {
      checkTrace(trace, (span) => /^(batch_write_to_db|write_inference)/.test(nameOf(span)));
    }
    const after = traces.filter((trace) => trace.spans.some((span) => span.endNs > rootOf(trace).endNs));
    assertBetween(after.length / traces.length, 0.2, 0.7, 'records after the answer');
  });
});

describe('the spans of the gateway profile', () => {
  for (const [name, listed] of Object.entries(gatewayVocabulary)) {
    it(`have the attributes that ${name} writes, and no others`, () => {
      assertVocabulary(
        of(name).flatMap((trace) => trace.spans),
        listed,
      );
    });
  }

  it('say in resource and scope which program they come from', () => {
    const seen = new Map<string, Set<string>>();
    for (const trace of traces) {
      for (const { resource, scope } of trace.spans) {
        const keys = resource.attributes.map(([key]) => key).join(' ');
        const of = seen.get(familyOf(trace)) ?? new Set();
        seen.set(familyOf(trace), of.add(`${scope.name} ${scope.version} | ${keys}`));
      }
    }
    const litellm = 'telemetry.sdk.language telemetry.sdk.name telemetry.sdk.version service.name';
    assert.deepEqual(
      [...(seen.get('bifrost') ?? [])],
      [
        'bifrost v1.5.2 | service.name service.version telemetry.sdk.name telemetry.sdk.language deployment.environment.name k8s.pod.name',
      ],
    );
    assert.deepEqual(
      [...(seen.get('litellm') ?? [])],
      [
        `opentelemetry.instrumentation.fastapi 0.60b1 | ${litellm} deployment.environment model_id host.name`,
        `litellm  | ${litellm} deployment.environment model_id host.name`,
      ],
    );
    assert.deepEqual([...(seen.get('tensorzero') ?? [])], ['tensorzero  | service.name']);
    assert.equal(new Set(traces.map((trace) => rootOf(trace).resource)).size, 3 + 3 + 2 + 3);
  });

  it('are of the kinds and end with the statuses that their programs give', () => {
    const shape = (trace: TraceShape) =>
      new Map(trace.spans.map((span) => [nameOf(span), `${span.kind} ${span.status.code}`] as const));
    const plain = (name: string) => {
      const found = of(name).find(
        (trace) => trace.spans.every((span) => !hasFailed(span)) && attempts(trace).length === 1,
      );
      assert(found !== undefined);
      return found;
    };
    const bifrost = shape(plain('bifrost'));
    assert.equal(bifrost.get('/v1/chat/completions'), '2 1');
    assert.equal(bifrost.get('plugin.governance.prehook'), '1 1');
    assert.equal(bifrost.get('key.selection'), '1 1');
    const litellm = shape(plain('litellm'));
    assert.equal(litellm.get('POST /v1/chat/completions'), '2 0');
    assert.equal(litellm.get('auth /v1/chat/completions'), '1 0');
    assert.equal(litellm.get('redis.get user_api_key'), '3 0');
    const tensorzero = shape(plain('tensorzero'));
    assert.equal(tensorzero.get('POST /openai/v1/chat/completions'), '2 0');
    assert.equal(tensorzero.get('model_provider_inference'), '1 1');
    for (const span of traces.flatMap((trace) => spansCalled(trace, /^chat /))) assert.equal(span.kind, 3);
  });

  it('name the attempt, the model and its provider as one', () => {
    const pairs = new Map<string, Set<string>>();
    for (const span of [...of('bifrost'), ...of('litellm')].flatMap(attempts)) {
      const model = String(attribute(span, 'gen_ai.request.model'));
      const name = nameOf(span);
      assert(name === `chat ${model}` || name.startsWith('retry.attempt.'), name);
      const known = pairs.get(String(attribute(span, 'gen_ai.provider.name'))) ?? new Set();
      pairs.set(String(attribute(span, 'gen_ai.provider.name')), known.add(model));
    }
    assert.deepEqual([...(pairs.get('groq') ?? [])], ['llama-3.3-70b-versatile']);
    assert.deepEqual([...(pairs.get('gcp.vertex_ai') ?? [])], ['gemini-2.5-flash']);
    for (const model of pairs.get('anthropic') ?? []) assert.match(model, /^claude-/);
    assert(pairs.size >= 6);
  });

  it('say what a refused attempt met, and nothing of an answer', () => {
    for (const span of traces.flatMap(attempts)) {
      const answered = span.attributes.some(([key]) => key.startsWith('gen_ai.usage.'));
      assert.equal(answered, !hasFailed(span), nameOf(span));
      if (!hasFailed(span)) continue;
      assert.notEqual(span.status.message, '');
      const type = attribute(span, 'error.type');
      if (serviceOf(span) === 'bifrost')
        assert.match(String(type), /^(rate_limit_error|overloaded_error|server_error|timeout|invalid_request_error)$/);
      if (span.scope.name === 'litellm' && nameOf(span) !== 'litellm_request') {
        const [exception] = span.events;
        assert.equal(exception?.name, 'exception');
        assert.equal(exception.atNs, span.endNs);
        assert.equal(mapOf(exception.attributes).get('exception.type'), type);
        assert.equal(mapOf(exception.attributes).get('exception.message'), span.status.message);
      }
    }
  });

  it('count tokens that add up, and have an id of their own', () => {
    const answers = traces.flatMap(attempts).filter((span) => !hasFailed(span));
    const totals = answers.filter((span) => attribute(span, 'gen_ai.usage.total_tokens') !== undefined);
    assert(totals.length > answers.length / 2);
    for (const span of totals) {
      const tokens = (key: string) => numberOf(span, `gen_ai.usage.${key}`);
      assert.equal(tokens('input_tokens') + tokens('output_tokens'), tokens('total_tokens'));
    }
    const ids = answers.flatMap((span) => attribute(span, 'gen_ai.response.id') ?? []);
    assert(ids.length > 3000);
    for (const id of ids) assert.match(String(id), /^(chatcmpl-|msg_|msg_bdrk_|cmpl-)0{24}$/);
    const tokens = answers.map((span) => numberOf(span, 'gen_ai.usage.input_tokens'));
    assertBetween(quantile(tokens, 0.5), 700, 1150, 'median of input tokens');
    assertBetween(Math.max(...tokens), 30_000, 190_000, 'most input tokens');
  });
});

describe('the exports of the gateway profile', () => {
  const corpus = corpusOf('gateway', 7);

  it('are small: 10 to 30 spans of a few traces, some 600 bytes a span', () => {
    const sizes = corpus.requests.slice(0, -12).map(({ spans }) => spans);
    assertBetween(mean(sizes), 15, 25, 'spans of a request');
    assert(Math.max(...sizes) <= 30);
    const spanBytes = corpus.spanEnd.map((end, ordinal) => end - (corpus.spanStart[ordinal] ?? 0));
    assertBetween(mean([...spanBytes]), 400, 900, 'bytes of a span');
    assert(Math.max(...spanBytes) < 4096);
    assertBetween(corpus.spans / corpus.traces, 4, 8, 'spans of a trace');
    assert(Math.max(...traces.map(({ spans }) => spans.length)) <= 30);
  });

  it('gather a few traces in each request', () => {
    for (const { first, spans } of corpus.requests.slice(0, 200)) {
      const inOne = new Set(Array.from({ length: spans }, (_, i) => corpus.traceOf[first + i]));
      assertBetween(inOne.size, 1, 12, 'traces of a request');
    }
  });

  it('are the same for the same seed, and others for another', () => {
    const again = drawTraces('gateway', 200, 7);
    assert.deepEqual(again, drawTraces('gateway', 200, 7));
    assert.notDeepEqual(again, drawTraces('gateway', 200, 8));
  });
});
