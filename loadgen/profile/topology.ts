// A profile as it was understood: what traces are drawn from.
import type { Quantity } from './quantity.ts';
import type { AttributeSpecs, EventValues, SpanValues, Values } from './read-values.ts';
import type { ChildFields, EventFields, ScopeFields, SpanFields, TopologyFields } from './schema.ts';
import { spanKind } from './schema.ts';
import type { ValueSpec } from './value-spec.ts';

export interface ScopeSpec {
  readonly name: string;
  readonly version: string;
  readonly attributes: AttributeSpecs;
  readonly schemaUrl: string;
}

export interface ResourceSpec {
  readonly instances: number;
  readonly attributes: AttributeSpecs;
  readonly schemaUrl: string;
  readonly scope: ScopeSpec;
}

export interface TraceSpec {
  readonly root: string;
  readonly weight: number;
  readonly mostSpans: number;
  readonly depth: Quantity;
  readonly lets: AttributeSpecs;
}

export interface EventSpec {
  readonly name: ValueSpec;
  readonly count: Quantity;
  /** `ms_of`: so many milliseconds after the start of the span as this attribute of it says. */
  readonly at: 'start' | 'end' | 'spread' | { readonly ms_of: string };
  readonly when: 'ok' | 'error' | 'always';
  readonly attributes: AttributeSpecs;
}

export interface ChildSpec {
  /** At least one weight is above 0. */
  readonly spans: readonly { readonly weight: number; readonly value: string }[];
  readonly count: Quantity;
  readonly chance: number;
  readonly run: 'sequence' | 'parallel' | 'async';
  readonly newInstance: boolean;
  /** Nanoseconds. */
  readonly gap: Quantity;
  readonly otherwise: readonly ChildSpec[];
}

export interface SpanSpec {
  readonly resource: string;
  /** null: the resource's. */
  readonly scope: ScopeSpec | null;
  readonly name: ValueSpec;
  /** SpanKind of the OTLP. */
  readonly kind: number;
  /** Nanoseconds besides its children's. */
  readonly duration: Quantity;
  readonly traceState: ValueSpec | null;
  readonly attributes: AttributeSpecs;
  readonly events: readonly EventSpec[];
  readonly links: Quantity;
  readonly error: {
    readonly rate: number;
    readonly fromChildren: boolean;
    readonly message: ValueSpec | null;
    readonly attributes: AttributeSpecs;
    readonly aborts: boolean;
  };
  /** StatusCode of the OTLP, of spans that did not fail. */
  readonly statusCode: number;
  readonly children: readonly ChildSpec[];
}

export interface Topology {
  readonly kind: 'topology';
  readonly description: string;
  readonly export: {
    readonly by: 'service' | 'agent';
    readonly spans: Quantity;
    readonly bytes: number;
    readonly flushNs: number;
  };
  readonly resources: ReadonlyMap<string, ResourceSpec>;
  readonly traces: readonly TraceSpec[];
  readonly spans: ReadonlyMap<string, SpanSpec>;
}

export interface Mix {
  readonly kind: 'mix';
  readonly description: string;
  /** `weight`: its part of the spans. */
  readonly parts: readonly { readonly name: string; readonly weight: number; readonly topology: Topology }[];
}

export type Profile = Topology | Mix;

const scopeSpec = (fields: ScopeFields, attributes: AttributeSpecs): ScopeSpec => ({
  name: fields.name,
  version: fields.version,
  attributes,
  schemaUrl: fields.schema_url,
});

const eventSpec = (fields: EventFields, values: EventValues): EventSpec => ({
  name: values.name,
  count: fields.count,
  at: fields.at,
  when: fields.when ?? 'always',
  attributes: values.attributes,
});

const childSpec = (fields: ChildFields): ChildSpec => ({
  spans:
    fields.span === undefined
      ? Object.entries(fields.one_of ?? {}).map(([value, weight]) => ({ value, weight }))
      : [{ value: fields.span, weight: 1 }],
  count: fields.count,
  chance: fields.chance,
  run: fields.run,
  newInstance: fields.instance === 'new',
  gap: fields.gap,
  otherwise: fields.otherwise.map(childSpec),
});

const spanSpec = (key: string, fields: SpanFields, values: SpanValues): SpanSpec => ({
  resource: fields.resource,
  scope: fields.scope === undefined ? null : scopeSpec(fields.scope, values.scopeAttributes),
  name: values.name ?? { form: 'constant', value: key },
  kind: spanKind(fields.kind),
  duration: fields.duration,
  traceState: values.traceState,
  attributes: values.attributes,
  events: fields.events.flatMap((event, i) => {
    const read = values.events[i];
    return read === undefined ? [] : [eventSpec(event, read)];
  }),
  links: fields.links,
  error: {
    rate: fields.error.rate,
    fromChildren: fields.error.from_children,
    message: values.message,
    attributes: values.errorAttributes,
    aborts: fields.error.aborts,
  },
  statusCode: fields.status === 'ok' ? 1 : 0,
  children: fields.children.map(childSpec),
});

/** Puts together what was read: `values` are those of the same tree as `fields`. */
export const topologyOf = (fields: TopologyFields, values: Values): Topology => {
  const resources = new Map<string, ResourceSpec>();
  for (const [key, resource] of Object.entries(fields.resources)) {
    const read = values.resources.get(key);
    resources.set(key, {
      instances: resource.instances,
      attributes: read?.attributes ?? [],
      schemaUrl: resource.schema_url,
      scope: scopeSpec(resource.scope, read?.scopeAttributes ?? []),
    });
  }
  const spans = new Map<string, SpanSpec>();
  for (const [key, span] of Object.entries(fields.spans)) {
    const read = values.spans.get(key);
    if (read !== undefined) spans.set(key, spanSpec(key, span, read));
  }
  return {
    kind: 'topology',
    description: fields.description,
    export: {
      by: fields.export.by,
      spans: fields.export.spans,
      bytes: fields.export.bytes,
      flushNs: fields.export.flush,
    },
    resources,
    traces: fields.traces.map((trace, i) => ({
      root: trace.root,
      weight: trace.weight,
      mostSpans: trace.spans,
      depth: trace.depth,
      lets: values.lets[i] ?? [],
    })),
    spans,
  };
};
