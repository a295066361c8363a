// The spans of the corpus as a program's SDK has them before it encodes them: ReadableSpans with the same ids, times, texts
// and attributes, for the SDK's own serializers. Here nothing is patched: every request is made anew, as an SDK does.
import type {
  AttributeValue,
  HrTime,
  Link,
  Attributes as SdkAttributes,
  SpanContext,
  TraceState,
} from '@opentelemetry/api';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { WeightedSource } from './batching.ts';
import type { CorpusOptions, CorpusRequest } from './corpus.ts';
import { freshAlphabets, freshScopes } from './encoding.ts';
import { freshKey, writeFreshText } from './fresh.ts';
import { highPart, lowPart, spanIdHex, traceIdHex } from './identity.ts';
import { type CorpusLimits, corpusLimits, type PlannedRequest, type PlannedSpan, planCorpus, spansOf } from './plan.ts';
import { remember } from './remember.ts';
import type { Attributes, FreshText, ResourceShape, ScopeShape, Value } from './shape.ts';
import { sourcesOf } from './sources.ts';
import { nanosecondsOf, perSecond, secondsOf } from './time.ts';

export interface SdkRequests {
  /** As the corpus has them, but without bytes. */
  readonly requests: readonly Pick<CorpusRequest, 'first' | 'spans' | 'delayNs'>[];
  readonly spans: number;
  readonly traces: number;
  /**
   * The spans of a request in a round, in the order of their ordinals. Its intended time is given as the two halves of its
   * nanoseconds since 1970, unsigned.
   */
  spansOf(index: number, round: number, dueLow: number, dueHigh: number): ReadableSpan[];
}

/** What the fresh parts of a span, its ids and its times depend on. */
interface Moment {
  readonly seed: number;
  readonly run: number;
  readonly spanBase: number;
  readonly traceBase: number;
  readonly dueSeconds: number;
  readonly dueNanos: number;
}

type SdkResource = ReadableSpan['resource'];
type SdkScope = ReadableSpan['instrumentationScope'];

const sampled = 1;
const longestFresh = 1 << 16;
const scratch = Buffer.alloc(longestFresh);

function freshText(text: FreshText, span: PlannedSpan, moment: Moment): string {
  let whole = '';
  for (const part of text.parts) {
    if (typeof part === 'string') {
      whole += part;
      continue;
    }
    const number = part.scope === 'span' ? moment.spanBase + span.ordinal : moment.traceBase + span.trace;
    const scope = freshScopes.indexOf(part.scope);
    const key = freshKey(moment.seed, scope, part.slot, lowPart(number), highPart(number));
    const to = part.length > longestFresh ? Buffer.alloc(part.length) : scratch;
    writeFreshText(to, 0, part.length, freshAlphabets.indexOf(part.alphabet), key);
    whole += to.toString('latin1', 0, part.length);
  }
  return whole;
}

type FreshTextOf = (text: FreshText) => string;

const neverFresh: FreshTextOf = () => {
  throw new Error('a resource or scope has no fresh texts');
};

/**
 * What the SDK's encoder takes, which is more than its API's types say. A whole number is an int_value to it: a corpus with
 * the same bytes is one with `wholeDoubles: 'int'`.
 */
function sdkValue(value: Value, freshOf: FreshTextOf): unknown {
  if (typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, sdkValue(item, freshOf)]));
  if ('double' in value) return value.double;
  if ('parts' in value) return freshOf(value);
  return (value as readonly Value[]).map((item) => sdkValue(item, freshOf));
}

function attributesOf(attributes: Attributes, freshOf: FreshTextOf): SdkAttributes {
  return Object.fromEntries(attributes.map(([key, value]) => [key, sdkValue(value, freshOf) as AttributeValue]));
}

/** The shape of the SDK's resource, of which its serializers read attributes and schema URL. */
function resourceOf({ attributes, schemaUrl }: ResourceShape): SdkResource {
  const all = attributesOf(attributes, neverFresh);
  const resource: SdkResource = {
    attributes: all,
    schemaUrl,
    asyncAttributesPending: false,
    merge: (other) => other ?? resource,
    getRawAttributes: () => Object.entries(all),
  };
  return resource;
}

function scopeOf({ name, version, attributes, schemaUrl }: ScopeShape): SdkScope {
  return { name, version, schemaUrl, attributes: attributesOf(attributes, neverFresh) } as SdkScope;
}

/** A trace state that is already a text. */
function traceStateOf(text: string): TraceState {
  const state: TraceState = { get: () => undefined, set: () => state, unset: () => state, serialize: () => text };
  return state;
}

function createSpanMaker(): (span: PlannedSpan, moment: Moment) => ReadableSpan {
  // The serializers group spans by these objects.
  const resources = remember(resourceOf);
  const scopes = remember(scopeOf);
  const traceStates = remember((state: string) => traceStateOf(state));

  return (span, moment) => {
    const { shape } = span;
    const freshOf: FreshTextOf = (text) => freshText(text, span, moment);
    const traceId = traceIdHex(moment.run, moment.seed, moment.traceBase + span.trace);
    const contextOf = (other: PlannedSpan): SpanContext => ({
      traceId,
      spanId: spanIdHex(moment.run, moment.spanBase + other.ordinal),
      traceFlags: sampled,
      isRemote: other.shape.resource !== shape.resource,
    });
    const own: SpanContext =
      shape.traceState === '' ? contextOf(span) : { ...contextOf(span), traceState: traceStates(shape.traceState) };
    /** `ns` since the start of the trace. */
    const timeOf = (ns: number): HrTime => {
      const nanos = moment.dueNanos + span.startOffsetNs + ns - shape.startNs;
      const seconds = Math.floor(nanos / perSecond);
      return [moment.dueSeconds + seconds, nanos - seconds * perSecond];
    };
    const lasted = shape.endNs - shape.startNs;
    return {
      name: typeof shape.name === 'string' ? shape.name : freshOf(shape.name),
      // The API counts kinds from 0, the OTLP from 1.
      kind: shape.kind - 1,
      spanContext: () => own,
      ...(span.parent === null ? {} : { parentSpanContext: contextOf(span.parent) }),
      startTime: timeOf(shape.startNs),
      endTime: timeOf(shape.endNs),
      duration: [Math.floor(lasted / perSecond), lasted % perSecond],
      ended: true,
      status: { ...shape.status },
      attributes: attributesOf(shape.attributes, freshOf),
      events: shape.events.map(({ name, atNs, attributes }) => ({
        name,
        time: timeOf(atNs),
        attributes: attributesOf(attributes, freshOf),
        droppedAttributesCount: 0,
      })),
      links: shape.links.map(
        ({ attributes }, i): Link => ({
          context: contextOf(span.links[i]),
          attributes: attributesOf(attributes, freshOf),
          droppedAttributesCount: 0,
        }),
      ),
      resource: resources(shape.resource),
      instrumentationScope: scopes(shape.scope),
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  };
}

/** The requests that buildCorpus makes for the same options and sources, request by request and round by round. */
export function createSdkRequests(
  options: CorpusOptions,
  sources: readonly WeightedSource[],
  limits: CorpusLimits = corpusLimits,
): SdkRequests {
  const plan = planCorpus(options, sources, limits, true);
  const makeSpan = createSpanMaker();
  const inOrder = plan.requests.map((request: PlannedRequest) => [...spansOf(request)]);
  return {
    requests: plan.requests.map(({ spanCount, delayNs }, i) => ({
      first: inOrder[i][0].ordinal,
      spans: spanCount,
      delayNs,
    })),
    spans: plan.spans.length,
    traces: plan.traces,
    spansOf(index, round, dueLow, dueHigh) {
      const moment: Moment = {
        seed: options.seed,
        run: options.run,
        spanBase: round * plan.spans.length,
        traceBase: round * plan.traces,
        dueSeconds: secondsOf(dueLow, dueHigh),
        dueNanos: nanosecondsOf(dueLow, dueHigh),
      };
      return inOrder[index].map((span) => makeSpan(span, moment));
    },
  };
}

/** Those of a run. Throws SpanmillError when the profile has issues: it names each at its place. */
export function sdkRequestsOf(options: CorpusOptions): SdkRequests {
  return createSdkRequests(options, sourcesOf(options));
}

/** An ExportTraceServiceRequest, as an exporter of the SDK sends it. */
export function serializeSpans(encoding: CorpusOptions['encoding'], spans: ReadableSpan[]): Uint8Array {
  const serializer = encoding === 'json' ? JsonTraceSerializer : ProtobufTraceSerializer;
  const body = serializer.serializeRequest(spans);
  if (body === undefined) throw new Error('the SDK could not serialise its spans');
  return body;
}
