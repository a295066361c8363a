// What the numbers of one span say together: a backend that adds them up or compares them finds nothing odd.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpanShape } from '../../../../loadgen/corpus/shape.ts';
import { attribute, drawTraces, mapOf, nameOf } from './drawn.ts';

const numberOf = (value: unknown): number | undefined => {
  if (typeof value === 'number') return value;
  return typeof value === 'object' && value !== null && 'double' in value ? Number(value.double) : undefined;
};

const spans: SpanShape[] = ['gateway', 'streaming', 'prompt', 'retrieval'].flatMap((name) =>
  drawTraces(name, 300, 11).flatMap((trace) => trace.spans),
);

/** `check` for each span that has both numbers. */
const eachPair = (a: string, b: string, check: (one: number, other: number, where: string) => void): void => {
  let checked = 0;
  for (const span of spans) {
    const [one, other] = [numberOf(attribute(span, a)), numberOf(attribute(span, b))];
    if (one === undefined || other === undefined) continue;
    checked++;
    check(one, other, `${nameOf(span)}: ${a} ${one}, ${b} ${other}`);
  }
  assert.ok(checked > 10, `${checked} spans with ${a} and ${b}`);
};

const parts: readonly [part: string, whole: string][] = [
  ['gen_ai.usage.cache_read.input_tokens', 'gen_ai.usage.input_tokens'],
  ['ai.usage.cachedInputTokens', 'ai.usage.inputTokens'],
  ['ai.usage.reasoningTokens', 'ai.usage.outputTokens'],
  ['llm.token_count.prompt_details.cache_read', 'llm.token_count.prompt'],
  ['llm.token_count.completion_details.reasoning', 'llm.token_count.completion'],
  ['ai.response.msToFirstChunk', 'ai.response.msToFinish'],
  ['gen_ai.client.operation.time_to_first_chunk', 'gen_ai.client.operation.duration'],
];

for (const [part, whole] of parts) {
  test(`${part} is a part of ${whole}`, () => {
    eachPair(part, whole, (one, other, where) => assert.ok(one <= other, where));
  });
}

test('costs of input and output are the whole cost', () => {
  let checked = 0;
  for (const span of spans) {
    const [total, input, output] = ['total', 'input', 'output'].map((key) =>
      numberOf(attribute(span, `litellm.cost.${key}`)),
    );
    if (total === undefined) continue;
    checked++;
    assert.ok(Math.abs(total - (input ?? Number.NaN) - (output ?? Number.NaN)) < 1e-9, `${total} ${input} ${output}`);
  }
  assert.ok(checked > 50);
});

const times: readonly [key: string, nanoseconds: number][] = [
  ['ai.response.msToFirstChunk', 1e6],
  ['ai.response.msToFinish', 1e6],
  ['gen_ai.response.time_to_first_chunk', 1e9],
  ['gen_ai.client.operation.time_to_first_chunk', 1e9],
  ['gen_ai.client.operation.duration', 1e9],
  ['busy_ns', 1],
  ['idle_ns', 1],
];

for (const [key, nanoseconds] of times) {
  test(`${key} is not longer than its span`, () => {
    let checked = 0;
    for (const span of spans) {
      const value = numberOf(attribute(span, key));
      if (value === undefined) continue;
      checked++;
      assert.ok(value * nanoseconds <= span.endNs - span.startNs + 1, `${nameOf(span)}: ${value}`);
    }
    assert.ok(checked > 10);
  });
}

test('the first chunk of a stream comes when its attributes say', () => {
  let checked = 0;
  for (const span of spans) {
    for (const event of span.events.filter(({ name }) => name === 'ai.stream.firstChunk')) {
      const ms = numberOf(mapOf(event.attributes).get('ai.response.msToFirstChunk')) ?? Number.NaN;
      const ofSpan = numberOf(attribute(span, 'ai.response.msToFirstChunk')) ?? ms;
      assert.equal(ms, ofSpan);
      assert.ok(Math.abs(event.atNs - span.startNs - ms * 1e6) <= 1, `${ms} ms, ${event.atNs - span.startNs} ns`);
      checked++;
    }
  }
  assert.ok(checked > 100);
});

/** Of the clients that speak to OpenAI, or to Azure's copies of its models. */
const ofOpenai = (span: SpanShape): boolean =>
  /^(?:openai\.chat|ChatOpenAI|ChatCompletion)$/.test(nameOf(span)) ||
  attribute(span, 'gen_ai.system') === 'az.ai.inference';

test('a client of OpenAI asks for models of OpenAI, and ids look like those of the model', () => {
  let checked = 0;
  for (const span of spans) {
    const model = String(attribute(span, 'gen_ai.response.model') ?? attribute(span, 'llm.model_name') ?? '');
    if (model === '') continue;
    if (ofOpenai(span)) {
      checked++;
      assert.match(model, /^(?:gpt|o\d|text-embedding)/, nameOf(span));
    }
    const id = String(attribute(span, 'gen_ai.response.id') ?? '');
    if (id.startsWith('msg_')) assert.match(model, /claude/, `${id} of ${model}`);
    if (model.startsWith('claude')) assert.match(id, /^(?:msg_|$)/, `${id} of ${model}`);
  }
  assert.ok(checked > 100, `${checked} of OpenAI`);
});
