// Every path of the language (reference 2.6): its type, and how it is read and written. Adding one is adding an entry.
import { credentialKey, grpcMetadataKey, peerKey } from '../lib/client-keys.ts';
import { currentEvent, currentLink, type Environment } from './environment.ts';
import { fault } from './error.ts';
import {
  count,
  id,
  moment,
  named,
  type PathContext,
  type PathDefinition,
  type PathEntry,
  text,
} from './path-entries.ts';
import { describe, OttlWhole, type } from './values.ts';

const kindNames = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'];
/** OTLP's own spelling of span kinds; the index is the number. */
export const kindSymbols: readonly string[] = kindNames.map((name) => `SPAN_KIND_${name.toUpperCase()}`);

/** Enum symbols of the language; the contexts span, spanevent and spanlink have them. */
export const enumSymbols: ReadonlyMap<string, number> = new Map<string, number>([
  ...kindSymbols.map((name, number) => [name, number] as const),
  ['STATUS_CODE_UNSET', 0],
  ['STATUS_CODE_OK', 1],
  ['STATUS_CODE_ERROR', 2],
]);

const attributes: PathEntry = {
  name: 'attributes',
  summary: 'The attributes: all of them, or with keys one value',
  types: type.map,
  keyed: 'attributes',
};
const cache: PathEntry = {
  name: 'cache',
  summary: 'A map that starts empty for each item and is gone after it; only rules of this context see it',
  types: type.map,
  keyed: 'cache',
};
const droppedAttributes = 'Attributes that the SDK dropped';
const traceState = 'The W3C trace state; with a key the value of one member';

const kind = ({ target: { span } }: Environment) => ({
  read: () => span.kind,
  write: (value: number) => {
    span.kind = value;
  },
});

const ids: readonly PathEntry[] = [
  ...id('trace_id', 'trace id', ({ target: { span } }) => ({
    read: () => span.traceId,
    write: (value) => {
      span.traceId = value;
    },
  })),
  ...id('span_id', 'span id', ({ target: { span } }) => ({
    read: () => span.spanId,
    write: (value) => {
      span.spanId = value;
    },
  })),
  ...id('parent_span_id', 'span id', ({ target: { span } }) => ({
    read: () => span.parentSpanId,
    write: (value) => {
      span.parentSpanId = value;
    },
  })),
];

/** Events or links: there is nothing else that they could be set to than themselves. */
function items(name: 'events' | 'links', countOf: (env: Environment) => number): PathEntry {
  return {
    name,
    summary: `The ${name}, as a whole`,
    types: type.items,
    keyed: 'none',
    get: (env) => () => new OttlWhole(name, countOf(env)),
    set: () => (value) => {
      if (!(value instanceof OttlWhole) || value.kind !== name) throw fault(`expected ${name}, got ${describe(value)}`);
    },
  };
}

function schemaUrl(context: 'resource' | 'scope'): PathEntry {
  return text('schema_url', `The schema URL of the ${context} spans`, ({ target }) => {
    const view = target[context];
    return {
      read: () => view.schemaUrl,
      write: (value) => {
        view.schemaUrl = value;
      },
    };
  });
}

const spanEntries: readonly PathEntry[] = [
  ...ids,
  text(
    'trace_state',
    traceState,
    ({ target: { span } }) => ({
      read: () => span.traceState,
      write: (value) => {
        span.traceState = value;
      },
    }),
    'trace_state',
  ),
  text('name', 'The name', ({ target: { span } }) => ({
    read: () => span.name,
    write: (value) => {
      span.name = value;
    },
  })),
  count('kind', 'The kind, one of the SPAN_KIND_ symbols', kind, { signed: true }),
  named('kind.string', 'The kind as text', kindNames, kind),
  named('kind.deprecated_string', 'The kind as text', kindSymbols, kind),
  ...moment('start_time', 'When the span started', ({ target: { span } }) => ({
    read: () => span.startTimeUnixNano,
    write: (value) => {
      span.startTimeUnixNano = value;
    },
  })),
  ...moment('end_time', 'When the span ended', ({ target: { span } }) => ({
    read: () => span.endTimeUnixNano,
    write: (value) => {
      span.endTimeUnixNano = value;
    },
  })),
  attributes,
  items('events', ({ target: { span } }) => span.liveEvents),
  items('links', ({ target: { span } }) => span.liveLinks),
  {
    name: 'status',
    summary: 'Status code and message, as a whole',
    types: type.status,
    keyed: 'none',
    get: (env) => () => new OttlWhole('status', env.target.span.statusCode, env.target.span.statusMessage),
    set: (env) => (value) => {
      const { span } = env.target;
      if (!(value instanceof OttlWhole) || value.kind !== 'status') {
        throw fault(`expected a status, got ${describe(value)}`);
      }
      span.statusCode = value.number;
      span.statusMessage = value.message;
    },
  },
  count(
    'status.code',
    'The status code, one of the STATUS_CODE_ symbols',
    ({ target: { span } }) => ({
      read: () => span.statusCode,
      write: (value) => {
        span.statusCode = value;
      },
    }),
    { signed: true },
  ),
  text('status.message', 'The status message', ({ target: { span } }) => ({
    read: () => span.statusMessage,
    write: (value) => {
      span.statusMessage = value;
    },
  })),
  count('dropped_attributes_count', droppedAttributes, ({ target: { span } }) => ({
    read: () => span.droppedAttributesCount,
    write: (value) => {
      span.droppedAttributesCount = value;
    },
  })),
  count('dropped_events_count', 'Events that the SDK dropped', ({ target: { span } }) => ({
    read: () => span.droppedEventsCount,
    write: (value) => {
      span.droppedEventsCount = value;
    },
  })),
  count('dropped_links_count', 'Links that the SDK dropped', ({ target: { span } }) => ({
    read: () => span.droppedLinksCount,
    write: (value) => {
      span.droppedLinksCount = value;
    },
  })),
  count(
    'flags',
    'The flags',
    ({ target: { span } }) => ({
      read: () => span.flags,
      write: (value) => {
        span.flags = value;
      },
    }),
    { bounded: true },
  ),
  cache,
];

const eventEntries: readonly PathEntry[] = [
  text('name', 'The name', (env) => ({
    read: () => currentEvent(env).name,
    write: (value) => {
      currentEvent(env).name = value;
    },
  })),
  ...moment('time', 'When it happened', (env) => ({
    read: () => currentEvent(env).timeUnixNano,
    write: (value) => {
      currentEvent(env).timeUnixNano = value;
    },
  })),
  attributes,
  count('dropped_attributes_count', droppedAttributes, (env) => ({
    read: () => currentEvent(env).droppedAttributesCount,
    write: (value) => {
      currentEvent(env).droppedAttributesCount = value;
    },
  })),
  count('event_index', 'The number of the event in its span, from 0', (env) => ({ read: () => env.event.index }), {
    writable: false,
  }),
  cache,
];

const linkEntries: readonly PathEntry[] = [
  ...id('trace_id', 'trace id', (env) => ({
    read: () => currentLink(env).traceId,
    write: (value) => {
      currentLink(env).traceId = value;
    },
  })),
  ...id('span_id', 'span id', (env) => ({
    read: () => currentLink(env).spanId,
    write: (value) => {
      currentLink(env).spanId = value;
    },
  })),
  text(
    'trace_state',
    traceState,
    (env) => ({
      read: () => currentLink(env).traceState,
      write: (value) => {
        currentLink(env).traceState = value;
      },
    }),
    'trace_state',
  ),
  attributes,
  count('dropped_attributes_count', droppedAttributes, (env) => ({
    read: () => currentLink(env).droppedAttributesCount,
    write: (value) => {
      currentLink(env).droppedAttributesCount = value;
    },
  })),
  count(
    'flags',
    'The flags',
    (env) => ({
      read: () => currentLink(env).flags,
      write: (value) => {
        currentLink(env).flags = value;
      },
    }),
    { bounded: true },
  ),
  cache,
];

const resourceEntries: readonly PathEntry[] = [
  attributes,
  count('dropped_attributes_count', droppedAttributes, ({ target: { resource } }) => ({
    read: () => resource.droppedAttributesCount,
    write: (value) => {
      resource.droppedAttributesCount = value;
    },
  })),
  schemaUrl('resource'),
  cache,
];

const scopeEntries: readonly PathEntry[] = [
  text('name', 'The name', ({ target: { scope } }) => ({
    read: () => scope.name,
    write: (value) => {
      scope.name = value;
    },
  })),
  text('version', 'The version', ({ target: { scope } }) => ({
    read: () => scope.version,
    write: (value) => {
      scope.version = value;
    },
  })),
  attributes,
  count('dropped_attributes_count', droppedAttributes, ({ target: { scope } }) => ({
    read: () => scope.droppedAttributesCount,
    write: (value) => {
      scope.droppedAttributesCount = value;
    },
  })),
  schemaUrl('scope'),
  cache,
];

/** All values of one key. */
function metadata(name: string, summary: string, metadataKey: (name: string) => string): PathEntry {
  return {
    name,
    summary,
    types: type.list | type.nil,
    keyed: 'client',
    needsKey: true,
    metadataKey,
    value: (values) => values,
    innerTypes: type.string,
  };
}

const clientEntries: readonly PathEntry[] = [
  {
    name: 'client.addr',
    summary: 'The address of the client that sent the request: with its port over gRPC, without over HTTP',
    types: type.string | type.nil,
    keyed: 'client',
    needsKey: false,
    metadataKey: () => peerKey,
    value: ([address]) => address,
    innerTypes: 0,
  },
  metadata(
    'client.metadata',
    'The values of a header of the request; the receiver must have include_metadata: true',
    (name) => name.toLowerCase(),
  ),
  {
    name: 'client.auth.attributes',
    summary: "What the receiver's authenticator knows of the client, such as username",
    types: type.string | type.list | type.nil,
    keyed: 'client',
    needsKey: true,
    metadataKey: credentialKey,
    value: (values) => (values.length === 1 ? values[0] : values),
    innerTypes: type.string,
  },
  metadata('grpc.metadata', 'The same, of requests over gRPC only', (name) => grpcMetadataKey(name.toLowerCase())),
];

function table(context: PathContext, entries: readonly PathEntry[]): ReadonlyMap<string, PathDefinition> {
  return new Map(entries.map((entry) => [entry.name, definition(context, entry)]));
}

function definition(context: PathContext, entry: PathEntry): PathDefinition {
  if (entry.keyed === 'client') return { ...entry, context: 'otelcol', writable: false };
  if (context === 'otelcol') throw new Error(`${entry.name} is nothing that is known of a client`);
  if (!('get' in entry)) return { ...entry, context, writable: true };
  return { ...entry, context, writable: entry.set !== undefined };
}

/** All paths by context and name. */
export const paths: Readonly<Record<PathContext, ReadonlyMap<string, PathDefinition>>> = {
  spanlink: table('spanlink', linkEntries),
  spanevent: table('spanevent', eventEntries),
  span: table('span', spanEntries),
  scope: table('scope', scopeEntries),
  resource: table('resource', resourceEntries),
  otelcol: table('otelcol', clientEntries),
};
