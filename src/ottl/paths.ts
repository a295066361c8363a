// Every path of the language (reference 2.6): its type, and how it is read and written. Adding one is adding an entry.
import { type ContextName, currentEvent, type Environment } from './environment.ts';
import { fault } from './error.ts';
import { count, id, moment, named, type PathDefinition, type PathEntry, text } from './path-entries.ts';
import { describe, OttlWhole, type } from './values.ts';

const kindNames = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'];
/** OTLP's own spelling of span kinds; the index is the number. */
export const kindSymbols: readonly string[] = kindNames.map((name) => `SPAN_KIND_${name.toUpperCase()}`);

/** Enum symbols of the language; the contexts spanevent and span have them. */
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
  summary: 'A map that starts empty for each item and is gone after it',
  types: type.map,
  keyed: 'cache',
};
const droppedAttributes = 'Attributes that the SDK dropped';

/** Events that no rule removed. While one is shown its edits are not in the span yet, and cannot be put there. */
function liveEvents({ target: { span }, event }: Environment): number {
  if (event.view === null) span.commit();
  return span.eventCount - span.message.droppedItems();
}

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
    get: (env) => () => new OttlWhole(name, countOf(env)),
    set: () => (value) => {
      if (!(value instanceof OttlWhole) || value.kind !== name) throw fault(`expected ${name}, got ${describe(value)}`);
    },
  };
}

/** Known to the view only where the processor has a hook for its context. */
function schemaUrl(context: 'resource' | 'scope'): PathEntry {
  const access = ({ target, needsHook }: Environment) => {
    const view = target[context];
    needsHook.add(context);
    return { read: () => view.schemaUrl };
  };
  return text('schema_url', `The schema URL of the ${context} spans`, access, false);
}

const spanEntries: readonly PathEntry[] = [
  ...ids,
  {
    ...text('trace_state', 'The W3C trace state; with a key the value of one member', ({ target: { span } }) => ({
      read: () => span.traceState,
      write: (value) => {
        span.traceState = value;
      },
    })),
    keyed: 'trace_state',
  },
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
  items('events', liveEvents),
  items('links', ({ target: { span } }) => span.linkCount),
  {
    name: 'status',
    summary: 'Status code and message, as a whole',
    types: type.status,
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
  count('flags', 'The flags', ({ target: { span } }) => ({
    read: () => span.flags,
    write: (value) => {
      span.flags = value;
    },
  })),
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

function table(context: ContextName, entries: readonly PathEntry[]): ReadonlyMap<string, PathDefinition> {
  return new Map(
    entries.map((entry) => {
      const { keyed = 'none' } = entry;
      const writable = entry.set !== undefined || keyed === 'attributes' || keyed === 'cache';
      return [entry.name, { ...entry, keyed, writable, context }];
    }),
  );
}

/** All paths by context and name. */
export const paths: Readonly<Record<ContextName, ReadonlyMap<string, PathDefinition>>> = {
  spanevent: table('spanevent', eventEntries),
  span: table('span', spanEntries),
  scope: table('scope', scopeEntries),
  resource: table('resource', resourceEntries),
};
