// Every path by context and name: what it reads from the plain items, and what a write does to them.
import type { ContextName } from '../../../../src/ottl/environment.ts';
import type { PathContext } from '../../../../src/ottl/path-entries.ts';
import { OttlDuration, OttlId, OttlTime, type OttlValue, OttlWhole } from '../../../../src/ottl/values.ts';
import { fail } from './faults.ts';
import { type Attributes, firstOfEach, type Place } from './model.ts';
import { at, placed } from './operators.ts';

export interface PlainPath {
  get(place: Place): OttlValue;
  /** Absent: can only be read. */
  set?(place: Place, value: OttlValue): void;
}

export function itemOf(place: Place, context: ContextName): Record<string, unknown> & { attributes: Attributes } {
  const item = {
    resource: place.resource,
    scope: place.scope,
    span: place.span,
    spanevent: place.event,
    spanlink: place.link,
  }[context];
  if (item === null) throw new Error(`a rule for a ${context} ran without one`);
  return item as unknown as Record<string, unknown> & { attributes: Attributes };
}

type Convert = (value: OttlValue) => unknown;

function field(context: ContextName, name: string, read: (raw: never) => OttlValue, write?: Convert): PlainPath {
  const get = (place: Place) => read(itemOf(place, context)[name] as never);
  if (write === undefined) return { get };
  return {
    get,
    set: (place, value) => {
      itemOf(place, context)[name] = write(value);
    },
  };
}

function expect<T extends OttlValue>(isOne: (value: OttlValue) => boolean): (value: OttlValue) => T {
  return (value) => {
    if (!isOne(value)) throw fail('type');
    return value as T;
  };
}
const aString = expect<string>((value) => typeof value === 'string');
const anInt = expect<bigint>((value) => typeof value === 'bigint');
const aTime = expect<OttlTime>((value) => value instanceof OttlTime);

const text = (context: ContextName, name: string): PlainPath => field(context, name, (raw: string) => raw, aString);
const uint32 = (context: ContextName, name: string): PlainPath =>
  field(
    context,
    name,
    (raw: number) => BigInt(raw),
    (value) => Number(BigInt.asUintN(32, anInt(value))),
  );
/** Not cut to its bits as counts are, but refused. */
const flags = (context: ContextName): PlainPath =>
  field(
    context,
    'flags',
    (raw: number) => BigInt(raw),
    (value) => {
      const number = anInt(value);
      if (number < 0n || number >= 2n ** 32n) throw fail('32 bits');
      return Number(number);
    },
  );
const int32 = (context: ContextName, name: string): PlainPath =>
  field(
    context,
    name,
    (raw: number) => BigInt(raw),
    (value) => Number(BigInt.asIntN(32, anInt(value))),
  );

function moment(context: ContextName, path: string, name: string): [string, PlainPath][] {
  const read = (raw: bigint) => BigInt.asIntN(64, raw);
  const write = (nanos: bigint) => BigInt.asUintN(64, nanos);
  return [
    [
      path,
      field(
        context,
        name,
        (raw: bigint) => new OttlTime(read(raw)),
        (value) => write(aTime(value).nanos),
      ),
    ],
    [`${path}_unix_nano`, field(context, name, read, (value) => write(anInt(value)))],
  ];
}

function id(context: ContextName, path: string, name: string, kind: OttlId['kind']): [string, PlainPath][] {
  const size = kind === 'trace id' ? 16 : 8;
  const read = (raw: Uint8Array) => (raw.length === 0 ? new Uint8Array(size) : raw);
  const fromId = (value: OttlValue) => {
    if (!(value instanceof OttlId) || value.kind !== kind) throw fail('type');
    return orNone(value.bytes);
  };
  const orNone = (bytes: Uint8Array) => (bytes.some((byte) => byte !== 0) ? bytes : new Uint8Array(0));
  const fromText = (value: OttlValue) => {
    const digits = aString(value);
    if (!/^[0-9a-f]*$/i.test(digits) || digits.length !== 2 * size) throw fail('id text');
    return orNone(Uint8Array.from(Buffer.from(digits, 'hex')));
  };
  const toHex = (raw: Uint8Array) => Buffer.from(read(raw)).toString('hex');
  return [
    [path, field(context, name, (raw: Uint8Array) => new OttlId(kind, read(raw)), fromId)],
    [`${path}.string`, field(context, name, toHex, fromText)],
  ];
}

const kindNames = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'];

function kindText(names: readonly string[]): PlainPath {
  return field(
    'span',
    'kind',
    (raw: number) => names[raw] ?? '',
    (value) => {
      const number = names.indexOf(aString(value));
      if (number < 0) throw fail('kind text');
      return number;
    },
  );
}

/** Can be given themselves only. */
function items(name: 'events' | 'links'): PlainPath {
  return {
    get: (place) => new OttlWhole(name, (itemOf(place, 'span')[name] as readonly unknown[]).length),
    set: (_place, value) => {
      if (!(value instanceof OttlWhole) || value.kind !== name) throw fail('type');
    },
  };
}

const status: PlainPath = {
  get: (place) => {
    const { statusCode, statusMessage } = itemOf(place, 'span');
    return new OttlWhole('status', statusCode as number, statusMessage as string);
  },
  set: (place, value) => {
    if (!(value instanceof OttlWhole) || value.kind !== 'status') throw fail('type');
    Object.assign(itemOf(place, 'span'), { statusCode: value.number, statusMessage: value.message });
  },
};

const tables: Readonly<Record<ContextName, readonly (readonly [string, PlainPath])[]>> = {
  spanlink: [
    ...id('spanlink', 'trace_id', 'traceId', 'trace id'),
    ...id('spanlink', 'span_id', 'spanId', 'span id'),
    ['trace_state', text('spanlink', 'traceState')],
    ['dropped_attributes_count', uint32('spanlink', 'droppedAttributesCount')],
    ['flags', flags('spanlink')],
  ],
  spanevent: [
    ['name', text('spanevent', 'name')],
    ...moment('spanevent', 'time', 'timeUnixNano'),
    ['dropped_attributes_count', uint32('spanevent', 'droppedAttributesCount')],
    ['event_index', { get: ({ index }) => BigInt(index) }],
  ],
  span: [
    ...id('span', 'trace_id', 'traceId', 'trace id'),
    ...id('span', 'span_id', 'spanId', 'span id'),
    ...id('span', 'parent_span_id', 'parentSpanId', 'span id'),
    ['trace_state', text('span', 'traceState')],
    ['name', text('span', 'name')],
    ['kind', int32('span', 'kind')],
    ['kind.string', kindText(kindNames)],
    ['kind.deprecated_string', kindText(kindNames.map((name) => `SPAN_KIND_${name.toUpperCase()}`))],
    ...moment('span', 'start_time', 'startTimeUnixNano'),
    ...moment('span', 'end_time', 'endTimeUnixNano'),
    ['events', items('events')],
    ['links', items('links')],
    ['status', status],
    ['status.code', int32('span', 'statusCode')],
    ['status.message', text('span', 'statusMessage')],
    ['dropped_attributes_count', uint32('span', 'droppedAttributesCount')],
    ['dropped_events_count', uint32('span', 'droppedEventsCount')],
    ['dropped_links_count', uint32('span', 'droppedLinksCount')],
    ['flags', flags('span')],
  ],
  scope: [
    ['name', text('scope', 'name')],
    ['version', text('scope', 'version')],
    ['dropped_attributes_count', uint32('scope', 'droppedAttributesCount')],
    ['schema_url', text('scope', 'schemaUrl')],
  ],
  resource: [
    ['dropped_attributes_count', uint32('resource', 'droppedAttributesCount')],
    ['schema_url', text('resource', 'schemaUrl')],
  ],
};

export const plainPaths: Readonly<Record<ContextName, ReadonlyMap<string, PlainPath>>> = Object.fromEntries(
  Object.entries(tables).map(([context, entries]) => [context, new Map(entries)]),
) as unknown as Record<ContextName, ReadonlyMap<string, PlainPath>>;

// --- what takes keys -------------------------------------------------------------------------------------------------

/** Keys are computed one by one: behind what is not there, none is. */
export type Keys = readonly (() => OttlValue)[];

export function readPath(place: Place, context: PathContext, name: string, keys: Keys): OttlValue {
  if (context === 'otelcol') return readClient(place, name, keys);
  if (name === 'attributes') {
    const entries = firstOfEach(itemOf(place, context).attributes);
    // The first key is a text, whatever there is.
    return keys.length === 0 ? entries : reach(entries.get(aString(keys[0]())), keys.slice(1));
  }
  if (name === 'cache') return reach(place.caches[context], keys);
  const value = pathOf(context, name).get(place);
  if (keys.length === 0) return value;
  const members = membersOf(value as string);
  const key = aString(keys[0]());
  return members === null ? null : (members.find(([known]) => known === key)?.[1] ?? '');
}

/** What is not there is nil, and no key behind it is computed. */
function reach(value: OttlValue | undefined, [key, ...rest]: Keys): OttlValue {
  if (key === undefined || value === undefined) return value ?? null;
  const asked = key();
  const found = at(value, asked);
  return reach(value instanceof Map && !value.has(asked) ? undefined : found, rest);
}

function readClient({ client }: Place, name: string, [first, ...rest]: Keys): OttlValue {
  const key = first === undefined ? '' : aString(first()).toLowerCase();
  const known: Readonly<Record<string, string>> = {
    'client.addr': 'client.addr',
    'client.metadata': key,
    'client.auth.attributes': `auth.${key}`,
    'grpc.metadata': `grpc.${key}`,
  };
  const values = client.get(known[name]);
  if (values === undefined) return null;
  const isOne = name === 'client.addr' || (name === 'client.auth.attributes' && values.length === 1);
  return reach(isOne ? values[0] : values, rest);
}

export function writePath(place: Place, context: ContextName, name: string, keys: Keys, value: OttlValue): void {
  if (name === 'attributes') {
    const item = itemOf(place, context);
    item.attributes = keys.length === 0 ? fromMap(held(value)) : withAttribute(item.attributes, keys, value);
    return;
  }
  if (name === 'cache') {
    const { caches } = place;
    if (keys.length === 0) {
      if (!(value instanceof Map)) throw fail('type');
      caches[context] = value as ReadonlyMap<string, OttlValue>;
      return;
    }
    const key = aString(keys[0]());
    const rest = keys.slice(1).map((get) => get());
    const inner = placed(caches[context].get(key) ?? null, rest, value);
    caches[context] = new Map(caches[context]).set(key, inner);
    return;
  }
  const path = pathOf(context, name);
  if (path.set === undefined) throw new Error(`${context}.${name} was let through as one to write`);
  if (keys.length === 0) path.set(place, value);
  else path.set(place, withMember(path.get(place) as string, aString(keys[0]()), aString(value)));
}

function pathOf(context: ContextName, name: string): PlainPath {
  const path = plainPaths[context].get(name);
  if (path === undefined) throw new Error(`the oracle does not know ${context}.${name}`);
  return path;
}

/** What an attribute can hold: no time, no id, at any depth, and no more than 100 messages in one another. */
export function held(value: OttlValue, depth = 6): OttlValue {
  const isOther = value instanceof OttlTime || value instanceof OttlDuration || value instanceof OttlId;
  if (isOther || value instanceof OttlWhole || depth > 100) throw fail('attribute');
  if (Array.isArray(value)) for (const item of value) held(item, depth + 2);
  if (value instanceof Map) for (const item of value.values()) held(item, depth + 3);
  return value;
}

function fromMap(value: OttlValue): Attributes {
  if (!(value instanceof Map)) throw fail('type');
  return [...(value as ReadonlyMap<string, OttlValue>)].map(([key, item]) => ({ key, value: item }));
}

function withAttribute(attributes: Attributes, keys: Keys, value: OttlValue): Attributes {
  const key = aString(keys[0]());
  const rest = keys.slice(1).map((get) => get());
  return withEntry(attributes, key, held(placed(firstOfEach(attributes).get(key) ?? null, rest, value)));
}

/** The first entry of the key gets the value; without one there is a new one at the end. */
export function withEntry(entries: Attributes, key: string, value: OttlValue): Attributes {
  const index = entries.findIndex((entry) => entry.key === key);
  if (index < 0) return [...entries, { key, value }];
  return entries.map((entry, i) => (i === index ? { key, value } : entry));
}

// --- the members of a trace state ------------------------------------------------------------------------------------

const keyForm = /^(?:[a-z][-a-z0-9_*/]{0,255}|[a-z0-9][-a-z0-9_*/]{0,240}@[a-z][-a-z0-9_*/]{0,13})$/;
const valueForm = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

/** null: the text is no list of W3C. */
function membersOf(state: string): (readonly [string, string])[] | null {
  const members = state
    .split(',')
    .map((part) => part.replace(/^[ \t]*/, '').replace(/[ \t]*$/, ''))
    .filter((part) => part !== '')
    .map((part) => [part.split('=', 1)[0], part.split('=').slice(1).join('='), part.includes('=')] as const);
  const keys = members.map(([key]) => key);
  const isValid = members.every(([key, value, isPair]) => isPair && keyForm.test(key) && valueForm.test(value));
  if (!isValid || members.length > 32 || new Set(keys).size < keys.length) return null;
  return members.map(([key, value]) => [key, value] as const);
}

function withMember(state: string, key: string, value: string): string {
  const members = membersOf(state);
  if (members === null || !keyForm.test(key) || !valueForm.test(value)) return state;
  const others = members.filter(([known]) => known !== key).slice(0, 31);
  return [[key, value] as const, ...others].map(([name, text]) => `${name}=${text}`).join(',');
}
