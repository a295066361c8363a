// Requests that the real OpenTelemetry SDK for JavaScript made and encoded, each with what was put in.
import {
  type Attributes,
  createTraceState,
  type HrTime,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { AnyValue, ExportTraceServiceRequest, KeyValue, Span } from '../../src/wire/reference/messages.ts';

export interface SdkFixture {
  readonly name: string;
  /** By ProtobufTraceSerializer. */
  readonly protobuf: Uint8Array;
  /** The same spans by JsonTraceSerializer. */
  readonly json: string;
  /** What the SDK was told. */
  readonly expected: ExportTraceServiceRequest;
}

/** A span as a program describes it to the SDK. */
interface SpanInput {
  readonly name: string;
  readonly kind: SpanKind;
  readonly parent?: SpanContext;
  readonly attributes: Attributes;
  /** Values that the SDK's encoder takes, though its API does not yet: put into the finished span. */
  readonly encoded?: Readonly<Record<string, unknown>>;
  readonly links?: readonly Link[];
  readonly events?: readonly { readonly name: string; readonly attributes: Attributes; readonly time: HrTime }[];
  readonly status?: { readonly code: SpanStatusCode; readonly message?: string };
  readonly start: HrTime;
  readonly end: HrTime;
}

const resourceAttributes = {
  'service.name': 'checkout',
  'service.version': '1.4.2',
  'host.cpu.count': 8,
  'process.command_args': ['node', 'server.js'],
};
const scope = { name: 'shop', version: '0.9.0', schemaUrl: 'https://opentelemetry.io/schemas/1.37.0' };

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const remote: SpanContext = {
  traceId,
  spanId: '00f067aa0ba902b7',
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
  traceState: createTraceState('vendor=a,ot=th:8;rv:abcdef01234567'),
};
const at = (nanos: number): HrTime => [1_760_000_000, nanos];

const everything: SpanInput = {
  name: 'POST /checkout – 日本語 🚀',
  kind: SpanKind.SERVER,
  parent: remote,
  start: at(1),
  end: at(120_000_001),
  attributes: {
    string: 'text',
    'empty string': '',
    true: true,
    false: false,
    zero: 0,
    int: 42,
    'negative int': -7,
    'large int': Number.MAX_SAFE_INTEGER,
    'least int': Number.MIN_SAFE_INTEGER,
    double: 0.25,
    'tiny double': 5e-324,
    'not a number': Number.NaN,
    infinite: Number.NEGATIVE_INFINITY,
    strings: ['a', 'ü', ''],
    numbers: [1, 2.5, -3],
    bools: [true, false],
    'empty list': [],
    long: 'x'.repeat(70_000),
    'http.response.status_code': 500,
    'url.path': '/checkout',
  },
  events: [
    {
      name: 'exception',
      time: at(3),
      attributes: { 'exception.type': 'TypeError', 'exception.message': 'no', 'exception.escaped': true },
    },
    { name: '', time: at(4), attributes: {} },
  ],
  links: [
    { context: { ...remote, spanId: '1111111111111111' }, attributes: { why: 'follows', n: 1 } },
    { context: { traceId: 'ffffffffffffffffffffffffffffffff', spanId: '2222222222222222', traceFlags: 0 } },
  ],
  status: { code: SpanStatusCode.ERROR, message: 'upstream timeout' },
};

const message = (role: string, content: string) => ({ role, parts: [{ type: 'text', content }] });
const chat: SpanInput = {
  name: 'chat gpt-4o-mini',
  kind: SpanKind.CLIENT,
  start: at(5),
  end: at(2_400_000),
  attributes: {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4o-mini',
    'gen_ai.response.model': 'gpt-4o-mini-2024-07-18',
    'gen_ai.request.temperature': 0.7,
    'gen_ai.request.max_tokens': 512,
    'gen_ai.usage.input_tokens': 1234,
    'gen_ai.usage.output_tokens': 56,
    'gen_ai.response.finish_reasons': ['stop', 'length'],
    'gen_ai.input.messages': JSON.stringify([message('system', 'Be brief. '.repeat(200)), message('user', 'Why?')]),
    'gen_ai.output.messages': JSON.stringify([{ ...message('assistant', 'Because.'), finish_reason: 'stop' }]),
  },
  events: [
    {
      name: 'gen_ai.client.inference.operation.details',
      time: at(6),
      attributes: {
        'gen_ai.system_instructions': '[{"type":"text","content":"Be brief."}]',
        'gen_ai.usage.input_tokens': 3,
      },
    },
  ],
  status: { code: SpanStatusCode.OK },
};

const tool: SpanInput = {
  name: 'execute_tool get_weather',
  kind: SpanKind.INTERNAL,
  start: at(7),
  end: at(8),
  attributes: { 'gen_ai.tool.name': 'get_weather', 'gen_ai.tool.call.id': 'call_1', 'gen_ai.tool.type': 'function' },
};

const newerValues: SpanInput = {
  name: 'values of all kinds',
  kind: SpanKind.CONSUMER,
  start: at(9),
  end: at(10),
  attributes: {},
  encoded: {
    map: { a: 1, 'b.c': { deep: [{ deeper: true }, [], {}] }, text: 'x' },
    'empty map': {},
    bytes: Uint8Array.of(0, 255, 16),
    'empty bytes': new Uint8Array(0),
    nothing: null,
    mixed: [1, 'a', null, { k: 0.5 }, Uint8Array.of(1)],
  },
};

const bare: SpanInput = { name: 'bare', kind: SpanKind.PRODUCER, start: at(0), end: at(0), attributes: {} };

// --- what was put in, as OTLP has it ---------------------------------------------------------------------------------

function anyValue(value: unknown): AnyValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: BigInt(value) } : { doubleValue: value };
  if (value instanceof Uint8Array) return { bytesValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  if (value !== null) return { kvlistValue: { values: keyValues(value as Readonly<Record<string, unknown>>) } };
  return {};
}

function keyValues(attributes: Readonly<Record<string, unknown>>): KeyValue[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value), keyStrindex: 0 }));
}

const hex = (digits: string) => Uint8Array.from(Buffer.from(digits, 'hex'));
const nanos = ([seconds, rest]: HrTime) => BigInt(seconds) * 1_000_000_000n + BigInt(rest);
/** "Has is-remote" always, "is remote" for a context from another process, and the W3C flags. */
const flagsOf = (traceFlags: number, isRemote = false) => 0x100 | (isRemote ? 0x200 : 0) | traceFlags;

function expectedSpan(input: SpanInput, context: { readonly traceId: string; readonly spanId: string }): Span {
  return {
    traceId: hex(context.traceId),
    spanId: hex(context.spanId),
    traceState: input.parent?.traceState?.serialize() ?? '',
    parentSpanId: hex(input.parent?.spanId ?? ''),
    flags: flagsOf(TraceFlags.SAMPLED, input.parent?.isRemote),
    name: input.name,
    kind: input.kind + 1, // the API counts from INTERNAL = 0
    startTimeUnixNano: nanos(input.start),
    endTimeUnixNano: nanos(input.end),
    attributes: keyValues(input.encoded ?? input.attributes),
    droppedAttributesCount: 0,
    events: (input.events ?? []).map((event) => ({
      timeUnixNano: nanos(event.time),
      name: event.name,
      attributes: keyValues(event.attributes),
      droppedAttributesCount: 0,
    })),
    droppedEventsCount: 0,
    links: (input.links ?? []).map((link) => ({
      traceId: hex(link.context.traceId),
      spanId: hex(link.context.spanId),
      traceState: link.context.traceState?.serialize() ?? '',
      attributes: keyValues(link.attributes ?? {}),
      droppedAttributesCount: 0,
      flags: flagsOf(link.context.traceFlags, link.context.isRemote),
    })),
    droppedLinksCount: 0,
    status: { message: input.status?.message ?? '', code: input.status?.code ?? 0 },
  };
}

// --- through the SDK -------------------------------------------------------------------------------------------------

function record(name: string, inputs: readonly SpanInput[]): SdkFixture {
  let count = 0;
  const id = (digits: number) => (++count).toString(16).padStart(digits, 'a');
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes(resourceAttributes),
    spanProcessors: [new SimpleSpanProcessor(memory)],
    idGenerator: { generateTraceId: () => id(32), generateSpanId: () => id(16) },
  });
  const tracer = provider.getTracer(scope.name, scope.version, { schemaUrl: scope.schemaUrl });
  const expected = inputs.map((input) => {
    const parent = input.parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, input.parent);
    const { kind, attributes } = input;
    const options = { kind, attributes, links: [...(input.links ?? [])], startTime: input.start };
    const span = tracer.startSpan(input.name, options, parent);
    for (const event of input.events ?? []) span.addEvent(event.name, event.attributes, event.time);
    if (input.status !== undefined) span.setStatus({ ...input.status });
    span.end(input.end);
    return expectedSpan(input, span.spanContext());
  });
  const spans = memory.getFinishedSpans().map((span, i) => {
    const attributes = inputs[i].encoded;
    return attributes === undefined
      ? span
      : (Object.create(span, { attributes: { value: attributes } }) as typeof span);
  });
  const protobuf = ProtobufTraceSerializer.serializeRequest(spans);
  const json = JsonTraceSerializer.serializeRequest(spans);
  if (protobuf === undefined || json === undefined) throw new Error('the SDK made no request');
  return {
    name,
    protobuf: Uint8Array.from(protobuf),
    json: Buffer.from(json).toString('utf8'),
    expected: {
      resourceSpans: [
        {
          resource: { attributes: keyValues(resourceAttributes), droppedAttributesCount: 0, entityRefs: [] },
          scopeSpans: [
            {
              scope: { name: scope.name, version: scope.version, attributes: [], droppedAttributesCount: 0 },
              spans: expected,
              schemaUrl: scope.schemaUrl,
            },
          ],
          schemaUrl: '',
        },
      ],
    },
  };
}

export const sdkFixtures: readonly SdkFixture[] = [
  record('one span with everything', [everything]),
  record('a chat with a model and a tool call', [chat, { ...tool, parent: remote }]),
  record('a bare span', [bare]),
  record('values of all kinds', [newerValues]),
  record(
    'a hundred spans',
    Array.from({ length: 100 }, (_, i) => (i % 3 === 0 ? chat : i % 3 === 1 ? tool : bare)),
  ),
];
