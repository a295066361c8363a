// The same grouping over decoded requests, as plainly as can be: what the writer on bytes is compared with.
import type {
  AnyValue,
  ExportTraceServiceRequest,
  InstrumentationScope,
  KeyValue,
  Resource,
  ResourceSpans,
  ScopeSpans,
} from '../../../../src/wire/reference/messages.ts';

const double = new DataView(new ArrayBuffer(8));

/** Text that is the same for what is the same bit by bit. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => {
    if (typeof one === 'bigint') return `${one}n`;
    if (one instanceof Uint8Array) return Buffer.from(one).toString('hex');
    if (typeof one !== 'number') return one;
    double.setFloat64(0, one);
    return `bits ${double.getBigUint64(0)}`;
  });
}

const byKey = (list: readonly KeyValue[]): KeyValue[] =>
  [...list].sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));

const isPlain = ({ keyStrindex, unknownFields }: KeyValue): boolean => keyStrindex === 0 && unknownFields === undefined;

/** Maps inside of a value in the order of their keys, as far as they hold nothing that OTLP does not define. */
function valueText(value: AnyValue = {}): string {
  const { arrayValue, kvlistValue, unknownFields } = value;
  if (unknownFields !== undefined) return textOf(value);
  if (arrayValue !== undefined && arrayValue.unknownFields === undefined) {
    return `[${arrayValue.values.map(valueText).join()}]`;
  }
  if (kvlistValue !== undefined && kvlistValue.unknownFields === undefined && kvlistValue.values.every(isPlain)) {
    return `{${byKey(kvlistValue.values).map(({ key, value: inner }) => `${textOf(key)}: ${valueText(inner)}`)}}`;
  }
  return textOf(value);
}

export const attributesText = (list: readonly KeyValue[]): string =>
  byKey(list)
    .map(({ key, value, ...rest }) => `${textOf(key)}=${valueText(value)} ${textOf(rest)}`)
    .join('\n');

const noResource: Resource = { attributes: [], droppedAttributesCount: 0, entityRefs: [] };
const noScope: InstrumentationScope = { name: '', version: '', attributes: [], droppedAttributesCount: 0 };

export const resourceText = ({ resource = noResource, scopeSpans: _, ...rest }: ResourceSpans): string =>
  `${attributesText(resource.attributes)}\n${textOf({ ...resource, attributes: [] })}\n${textOf(rest)}`;
export const scopeText = ({ scope = noScope, spans: _, ...rest }: ScopeSpans): string =>
  `${attributesText(scope.attributes)}\n${textOf({ ...scope, attributes: [] })}\n${textOf(rest)}`;

/** Resource, scope and spans as texts, in their order. */
export type Grouped = [resource: string, scopes: [scope: string, spans: string[]][]][];

const textsOf = ({ resourceSpans }: ExportTraceServiceRequest): Grouped =>
  resourceSpans.map((resource) => [
    resourceText(resource),
    resource.scopeSpans.map((scope) => [scopeText(scope), scope.spans.map(textOf)]),
  ]);

function moved(resource: Resource, attributes: readonly KeyValue[]): Resource {
  let list = [...resource.attributes];
  for (const { key, value } of attributes) {
    const made: KeyValue = { key, value: value ?? {}, keyStrindex: 0 };
    const at = list.findIndex((one) => one.key === key);
    list = list.filter((one, i) => one.key !== key || i === at);
    if (at < 0) list.push(made);
    else list[list.findIndex((one) => one.key === key)] = made;
  }
  return { ...resource, attributes: list };
}

/** What groupbyattrs with these keys makes of a request. */
export function group({ resourceSpans }: ExportTraceServiceRequest, keys: readonly string[]): Grouped {
  const wanted = [...new Set(keys)].filter((key) => key !== '');
  const resources = new Map<string, Map<string, string[]>>();
  for (const from of resourceSpans) {
    for (const scoped of from.scopeSpans) {
      for (const span of scoped.spans) {
        const found = wanted.flatMap((key) => span.attributes.find((one) => one.key === key) ?? []);
        const resource = found.length === 0 ? from.resource : moved(from.resource ?? noResource, found);
        const holder = resource === undefined ? from : { ...from, resource };
        const scopes = entry(resources, resourceText(holder), () => new Map<string, string[]>());
        const left = span.attributes.filter(({ key }) => !wanted.includes(key));
        entry(scopes, scopeText(scoped), (): string[] => []).push(textOf({ ...span, attributes: left }));
      }
    }
  }
  return [...resources].map(([resource, scopes]) => [resource, [...scopes]]);
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

export const grouped = textsOf;
