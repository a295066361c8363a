import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SpanShape, Value } from '../../../../loadgen/corpus/shape.ts';
import { nearMissKinds, privateKinds } from '../../../../loadgen/profile/private-data.ts';
import { holdsKind, isOfKind } from '../profile/private-validators.ts';
import { attribute, checkTrace, corpusOf, drawTraces, hasFailed, nameOf, serviceOf } from './drawn.ts';
import { assertBetween, assertVocabulary, mean, numberOf, rootOf, shareOf, spansCalled } from './llm-traces.ts';
import { nearMissForms } from './near-miss-forms.ts';
import { type FoundText, leavesOf, type Place, textOf, textsIn, textsOf } from './prompt-texts.ts';
import { promptVocabulary } from './prompt-vocabulary.ts';

const seed = 7;
const traces = drawTraces('prompt', 450, seed);
const spans = traces.flatMap((trace) => trace.spans);
const ofService = (service: string): SpanShape[] => spans.filter((span) => serviceOf(span) === service);
const find = (span: SpanShape, name: string): Value | undefined => span.attributes.find(([key]) => key === name)?.[1];
const withKey = (key: string): readonly (readonly [SpanShape, Value])[] =>
  spans.flatMap((span) => {
    const value = find(span, key);
    return value === undefined ? [] : [[span, value] as const];
  });
const isText = (value: Value): boolean => typeof value === 'string' || (typeof value === 'object' && 'parts' in value);
const textsUnder = (key: string): string[] =>
  withKey(key)
    .filter(([, value]) => isText(value))
    .map(([, value]) => textOf(value));

/** Attributes that hold the messages of a call. */
const messageKeys = [
  'gen_ai.input.messages',
  'ai.prompt.messages',
  'langfuse.observation.input',
  'gen_ai.prompt',
  'input.value',
];
const jsonKeys = [
  ...messageKeys,
  ...['gen_ai.output.messages', 'gen_ai.system_instructions', 'gen_ai.tool.definitions', 'gen_ai.tool.call.arguments'],
  ...['gen_ai.tool.call.result', 'traceloop.entity.input', 'traceloop.entity.output', 'llm.invocation_parameters'],
  ...[
    'llm.prompt_template.variables',
    'ai.prompt',
    'ai.prompt.toolChoice',
    'ai.response.toolCalls',
    'ai.toolCall.args',
  ],
  ...['ai.toolCall.result', 'langfuse.observation.usage_details', 'langfuse.observation.model.parameters'],
  ...[
    'langfuse.trace.metadata.ticket',
    'gen_ai.completion',
    'langsmith.request.headers',
    'prompt.variables',
    'metadata',
  ],
  ...['messaging.body', 'tool.parameters', 'langsmith.usage_metadata'],
];

describe('traces of the prompt profile', () => {
  it('are one tree each, with children within their parents', () => {
    for (const trace of traces) checkTrace(trace, (span) => nameOf(span) === 'save transcript');
  });

  it('come from seven programs, the OTel dialect most often', () => {
    const share = (service: string) => shareOf(traces, (trace) => serviceOf(rootOf(trace)) === service);
    assertBetween(share('assistant-api'), 0.25, 0.42, 'assistant-api');
    for (const service of Object.keys(promptVocabulary)) assertBetween(share(service), 0.03, 0.42, service);
  });

  it('hold exactly the keys of their dialects', () => {
    for (const [service, listed] of Object.entries(promptVocabulary)) assertVocabulary(ofService(service), listed);
  });

  it('fail at times, and what failed says why', () => {
    const failed = spans.filter(hasFailed);
    assertBetween(failed.length / spans.length, 0.005, 0.05, 'share of failed spans');
    assert.ok(failed.some(({ events }) => events.some(({ name }) => name === 'exception')));
    const leaves = failed.filter((span) => !spans.some(({ parent }) => parent === span));
    for (const { status, events } of leaves) {
      assert.ok(status.message !== '' || events.some(({ name }) => name === 'exception'));
    }
    // LangSmith's are without a message.
    assert.ok(leaves.some(({ status }) => status.message === '') && leaves.some(({ status }) => status.message !== ''));
  });

  it('are the same for the same seed, and others for another', () => {
    const texts = (seed: number) =>
      drawTraces('prompt', 5, seed).flatMap((trace) => trace.spans.flatMap((span) => [...textsOf(span)]));
    assert.deepEqual(texts(7), texts(7));
    assert.notDeepEqual(texts(7), texts(8));
  });
});

describe('the messages of the prompt profile', () => {
  it('take 2 to 200 KB, spread over the whole range', () => {
    const calls = messageKeys
      .flatMap((key) => withKey(key))
      .filter(([span]) => /chat|Completion|doStream|answer|ChatOpenAI/i.test(nameOf(span)));
    const sizes = calls.map(([, value]) => [...textsIn(value)].reduce((sum, text) => sum + Buffer.byteLength(text), 0));
    assert.ok(sizes.length > 800, `${sizes.length} calls`);
    assert.ok(Math.min(...sizes) >= 2_000 && Math.min(...sizes) < 4_000, `the smallest: ${Math.min(...sizes)}`);
    assertBetween(Math.max(...sizes), 120_000, 256_000, 'the largest');
    const shares = [2, 8, 16, 32, 64, 1000].map((limit) => shareOf(sizes, (size) => size < limit * 1000));
    for (let i = 1; i < shares.length; i++) {
      assert.ok(
        (shares[i] ?? 0) - (shares[i - 1] ?? 0) > 0.05,
        `shares below 2, 8, 16, 32, 64 KB: ${shares.join(' ')}`,
      );
    }
    assert.ok(shareOf(sizes, (size) => size > 200_000) < 0.01);
  });

  it('grow from turn to turn: each call begins with the whole history of the one before', () => {
    let conversations = 0;
    for (const trace of traces) {
      const turns = spansCalled(trace, /^chat /).map((span) => find(span, 'gen_ai.input.messages'));
      if (serviceOf(rootOf(trace)) !== 'assistant-api' || turns.length < 5) continue;
      conversations++;
      const texts = turns.map((value) => textOf(value));
      for (const [i, text] of texts.slice(1).entries()) assert.ok(text.startsWith(`${texts[i]?.slice(0, -1)},{`));
    }
    assert.ok(conversations > 50, `${conversations} conversations of five calls`);
  });

  it('are JSON wherever the dialect says so, to the JSON within JSON within JSON', () => {
    const depths = new Set<number>();
    for (const key of jsonKeys) {
      const said = withKey(key).filter(
        ([span]) => key !== 'input.value' || attribute(span, 'input.mime_type') !== 'text/plain',
      );
      const texts = said.filter(([, value]) => isText(value)).map(([, value]) => textOf(value));
      assert.ok(texts.length > 0, `no ${key}`);
      for (const text of texts) for (const { depth } of leavesOf(JSON.parse(text))) depths.add(depth);
    }
    // A key file among the private data is JSON too, and then a level deeper.
    for (const depth of [1, 2, 3]) assert.ok(depths.has(depth), `no JSON of ${depth} levels`);
  });

  it('hold the arguments of tool calls as JSON text', () => {
    const messages = textsUnder('gen_ai.output.messages').flatMap((text) => JSON.parse(text));
    const calls = messages.flatMap(({ parts }) => parts).filter(({ type }) => type === 'tool_call');
    assert.ok(calls.length > 100);
    for (const call of calls) {
      assert.match(call.id, /^call_/);
      assert.equal(typeof JSON.parse(call.arguments), 'object');
    }
    const flattened = withKey('gen_ai.completion.0.tool_calls.0.arguments');
    assert.ok(flattened.length > 20);
    for (const [, value] of flattened) assert.equal(typeof JSON.parse(textOf(value)), 'object');
  });

  it('are structured values in some spans of the OTel dialect, not JSON', () => {
    const structured = withKey('gen_ai.input.messages').filter(([, value]) => Array.isArray(value));
    assert.ok(structured.length > 10, `${structured.length} structured`);
    for (const [, value] of structured) {
      const [message] = value as readonly Value[];
      assert.ok(message instanceof Map && message.get('role') === 'user' && Array.isArray(message.get('parts')));
    }
  });

  it('come with the schemas of the tools', () => {
    const otel = textsUnder('gen_ai.tool.definitions').map((text) => JSON.parse(text));
    assertBetween(mean(otel.map(({ length }) => length)), 3, 20, 'tools of a call');
    assert.ok(Math.max(...otel.map(({ length }) => length)) > 25);
    const vercel = withKey('ai.prompt.tools').flatMap(([, value]) =>
      [...textsIn(value)].map((text) => JSON.parse(text)),
    );
    const phoenix = textsUnder('llm.tools.0.tool.json_schema').map((text) => JSON.parse(text).function);
    const traceloop = textsUnder('llm.request.functions.1.parameters').map((text) => ({
      parameters: JSON.parse(text),
    }));
    for (const tools of [otel.flat(), vercel, phoenix, traceloop]) {
      assert.ok(tools.length > 20);
      for (const tool of tools) {
        const schema = tool.parameters ?? tool.inputSchema;
        assert.equal(schema.type, 'object');
        assert.ok(schema.required.every((name: string) => name in schema.properties));
      }
    }
  });

  it('have totals above the steps of the AI SDK that are the sums of the steps, and its speed', () => {
    const totals = ['ai.usage.inputTokens', 'ai.usage.outputTokens', 'ai.usage.totalTokens'];
    const roots = ofService('chat-web').filter((span) => nameOf(span) === 'ai.streamText');
    assert.ok(roots.length > 20);
    for (const root of roots) {
      const steps = spans.filter((span) => span.parent === root && nameOf(span) === 'ai.streamText.doStream');
      for (const key of totals) {
        assert.equal(
          numberOf(root, key),
          steps.reduce((sum, step) => sum + numberOf(step, key), 0),
        );
      }
      for (const step of steps) {
        const speed = (1000 * numberOf(step, 'ai.usage.outputTokens')) / numberOf(step, 'ai.response.msToFinish');
        assert.ok(Math.abs(numberOf(step, 'ai.response.avgOutputTokensPerSecond') - speed) < 1e-9 * speed);
      }
    }
  });

  it('of Langfuse say on every span of a trace whose it is', () => {
    const propagated = ['session.id', 'user.id', 'langfuse.release', 'langfuse.trace.tags', 'langfuse.trace.name'];
    const own = ofService('helpdesk');
    assert.ok(own.some(({ parent }) => parent !== null));
    for (const span of own) {
      for (const key of propagated) {
        assert.notEqual(find(span, key), undefined, key);
        if (span.parent !== null) assert.deepEqual(find(span, key), find(span.parent, key), key);
      }
    }
  });

  it('count tokens as the text that is there has them', () => {
    for (const [span, value] of withKey('gen_ai.input.messages').filter(([, one]) => isText(one))) {
      assert.equal(numberOf(span, 'gen_ai.usage.input_tokens'), Math.ceil(textOf(value).length / 4));
    }
    for (const [span] of withKey('llm.token_count.total')) {
      const sum = ['prompt', 'completion'].reduce((total, key) => total + numberOf(span, `llm.token_count.${key}`), 0);
      assert.equal(numberOf(span, 'llm.token_count.total'), sum);
    }
  });
});

describe('media in the prompt profile', () => {
  const kinds: Record<string, Buffer> = {
    'image/png': Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    'image/jpeg': Buffer.from('\xff\xd8\xff\xe0', 'latin1'),
    'application/pdf': Buffer.from('%PDF-1.7\n'),
  };
  const assertMedia = (type: string, text: string): void => {
    const bytes = Buffer.from(text, 'base64');
    assert.equal(bytes.toString('base64'), text, 'not base64');
    assert.ok(bytes.length > 500 && bytes.subarray(0, kinds[type]?.length).equals(kinds[type] ?? Buffer.of(0)), type);
  };

  it('are blob parts with a type in the OTel dialect', () => {
    const parts = textsUnder('gen_ai.input.messages')
      .flatMap((text) => JSON.parse(text))
      .flatMap((message) => message.parts);
    const blobs = parts.filter(({ type }) => type === 'blob');
    assert.deepEqual(new Set(blobs.map((part) => part.modality)), new Set(['image', 'document']));
    for (const part of blobs) assertMedia(part.mime_type, part.content);
    assert.ok(parts.some(({ type, uri }) => type === 'uri' && URL.canParse(uri)));
  });

  it('are data URLs in OpenInference, OpenLLMetry, Langfuse and LangSmith, and files in the AI SDK', () => {
    const images = textsUnder('llm.input_messages.1.message.contents.1.message_content.image.image.url');
    const within = ['gen_ai.prompt.5.content', 'langfuse.observation.input', 'gen_ai.prompt', 'input.value'].map(
      (key) => textsUnder(key).flatMap((text) => [...text.matchAll(/"(data:[^"]+)"/g)].map(([, url]) => url ?? '')),
    );
    for (const urls of [images, ...within]) {
      assert.ok(urls.length > 10);
      for (const url of urls) {
        const [, type = '', text = ''] = /^data:([a-z/]+);base64,(.*)$/.exec(url) ?? [];
        assertMedia(type, text);
      }
    }
    const files = textsUnder('ai.prompt.messages')
      .flatMap((text) => JSON.parse(text)[1].content)
      .filter(({ type }) => type === 'file');
    assert.ok(files.length > 20);
    for (const { mediaType, data } of files) assertMedia(mediaType, data);
  });
});

describe('private data in the prompt profile', () => {
  const texts: FoundText[] = spans.flatMap((span) => [...textsOf(span)]);

  it('is there in every kind', () => {
    const missing = new Set(privateKinds);
    for (const { text } of texts) {
      for (const kind of missing) if (holdsKind(kind, text)) missing.delete(kind);
      if (missing.size === 0) break;
    }
    assert.deepEqual([...missing], []);
  });

  it('has near misses of every kind beside it', () => {
    assert.deepEqual(Object.keys(nearMissForms).toSorted(), [...nearMissKinds].toSorted());
    const missing = new Set(nearMissKinds);
    for (const { text } of texts) {
      for (const kind of missing) if (nearMissForms[kind]?.(text)) missing.delete(kind);
      if (missing.size === 0) break;
    }
    assert.deepEqual([...missing], []);
  });

  it('takes every path by which it leaks', () => {
    const leaks: readonly (readonly [what: string, place: Place, kind: string, key: RegExp])[] = [
      ['span names', 'name', 'email', /^$/],
      ['status messages', 'status', 'openai_key', /^$/],
      ['command lines of resources', 'resource', 'openai_project_key', /^process\.command_args$/],
      ['environments of resources', 'resource', 'connection_string', /^vercel\.env\./],
      ['scopes', 'scope', 'langfuse_key', /^public_key$/],
      ['exception messages', 'event', 'connection_string', /^exception\.message$/],
      ['stack traces', 'event', 'openai_key', /^exception\.stacktrace$/],
      ['messages on events', 'event', 'email', /^gen_ai\.event\.content$/],
      ['other events', 'event', 'credit_card', /^guardrail\./],
      ['keys in URLs', 'attribute', 'gcp_api_key', /^url\.full$/],
      ['addresses in URLs', 'attribute', 'email', /^url\.full$/],
      ['statements', 'attribute', 'email', /^db\.query\.text$/],
      ['header attributes', 'attribute', 'bearer_header', /^ai\.request\.headers\.authorization$/],
      ['headers in JSON', 'attribute', 'langsmith_key', /^langsmith\.request\.headers$/],
      ['structured values', 'attribute', 'phone', /^app\.customer$/],
      ['users', 'attribute', 'email', /^user\.id$/],
    ];
    for (const [what, place, kind, key] of leaks) {
      const found = texts.some((one) => one.place === place && key.test(one.key) && holdsKind(kind, one.text));
      assert.ok(found, `no ${kind} in ${what}`);
    }
  });

  it('stands in leaves of JSON, at every depth, and in numbers', () => {
    const leaves = textsUnder('gen_ai.input.messages')
      .slice(0, 150)
      .flatMap((text) => [...leavesOf(JSON.parse(text))]);
    for (const [depth, kind] of [
      [2, 'us_ssn'],
      [2, 'credit_card'],
      [2, 'iban'],
      [3, 'email'],
      [3, 'phone'],
      [3, 'iban'],
      [3, 'jwt'],
    ] as const) {
      const found = leaves.some(
        (leaf) => leaf.depth === depth && typeof leaf.value === 'string' && isOfKind(kind, leaf.value),
      );
      assert.ok(found, `no ${kind} at depth ${depth}`);
    }
    assert.ok(leaves.some(({ value }) => typeof value === 'number' && isOfKind('credit_card', String(value))));
  });

  it('stands between the sentences of a prose', () => {
    const prompts = textsUnder('gen_ai.prompt.1.content');
    const held = prompts.map((text) => privateKinds.filter((kind) => holdsKind(kind, text)));
    assertBetween(
      shareOf(held, (kinds) => kinds.length > 0),
      0.5,
      1,
      'share of prompts with private data',
    );
    assert.ok(shareOf(held, (kinds) => kinds.length === 0) > 0.02, 'some prompts hold none');
  });
});

describe('the exports of the prompt profile', () => {
  const corpus = corpusOf('prompt', seed);

  it('take 15 to 40 KB a span, and at most 3 MiB a request unless one span takes more', () => {
    assertBetween(corpus.bytes.length / corpus.spans, 15_000, 40_000, 'bytes of a span');
    for (const { start, end, spans: count } of corpus.requests) assert.ok(end - start <= 3 * 2 ** 20 || count === 1);
    assert.ok(
      corpus.requests.some(({ start, end }) => end - start > 2 ** 20),
      'no request above a MiB',
    );
  });

  it('have spans of all sizes in one request', () => {
    const sizes = [...corpus.spanEnd.map((end, ordinal) => end - (corpus.spanStart[ordinal] ?? 0))];
    assert.ok(shareOf(sizes, (size) => size < 2_000) > 0.2);
    assert.ok(shareOf(sizes, (size) => size > 30_000) > 0.1);
    assertBetween(Math.max(...sizes), 120_000, 600_000, 'the largest span');
  });
});
