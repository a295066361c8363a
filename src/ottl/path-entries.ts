// The shapes that paths come in: text, small int, moment, id. `access` says how one is read and written.
import { asInt, asString, asTime } from './coerce.ts';
import type { ContextName, Environment } from './environment.ts';
import { fault } from './error.ts';
import { describe, type Getter, OttlId, OttlTime, type OttlValue, type Setter, type TypeSet, type } from './values.ts';

/** What a path may begin with: an item, or what is known of the client that sent it. */
export type PathContext = ContextName | 'otelcol';

interface Described {
  /** Behind the context's name: `status.code`. */
  readonly name: string;
  readonly summary: string;
  /** What it gives when no key follows. */
  readonly types: TypeSet;
}
/** Maps of any depth, which the compiler reads itself. */
interface MapEntry extends Described {
  readonly keyed: 'attributes' | 'cache';
}
/** trace_state: one text key; none: no key may follow. */
interface FieldEntry extends Described {
  readonly keyed: 'none' | 'trace_state';
  readonly get: (env: Environment) => Getter;
  readonly set?: (env: Environment) => Setter;
  /** The same as `get` where it is an int below 2^53: comparisons then need no bigint. */
  readonly small?: (env: Environment) => Getter<number>;
}
/** Of the client. The first of its keys stands in the rule, so that it is known what to keep of each request. */
interface ClientEntry extends Described {
  readonly keyed: 'client';
  /** The path needs a key, or takes none. */
  readonly needsKey: boolean;
  /** The key of client metadata (lib/client-keys.ts) that holds it. `name`: the first key of the path, '' where it takes none. */
  metadataKey(name: string): string;
  /** Made of the values of that key, of which there is at least one. */
  value(values: readonly string[]): OttlValue;
  /** What comes of a key behind the first. */
  readonly innerTypes: TypeSet;
}

export type PathEntry = MapEntry | FieldEntry | ClientEntry;
export type PathDefinition =
  | (MapEntry & { readonly context: ContextName; readonly writable: true })
  | (FieldEntry & { readonly context: ContextName; readonly writable: boolean })
  | (ClientEntry & { readonly context: 'otelcol'; readonly writable: false });

interface Access<T> {
  read(): T;
  /** Absent: can only be read. */
  write?(value: T): void;
}
type AccessOf<T> = (env: Environment) => Access<T>;

const readOnly = (): never => {
  throw new Error('the checker let a write to a read-only path through');
};

function setter<T>(access: AccessOf<T>, writable: boolean, convert: (value: Parameters<Setter>[0]) => T) {
  if (!writable) return {};
  return {
    set: (env: Environment): Setter => {
      const { write = readOnly } = access(env);
      return (value) => write(convert(value));
    },
  };
}

export function text(
  name: string,
  summary: string,
  access: AccessOf<string>,
  keyed: FieldEntry['keyed'] = 'none',
): PathEntry {
  const get = (env: Environment) => access(env).read;
  return { name, summary, types: type.string, keyed, get, ...setter(access, true, asString) };
}

/** An int of 32 bits. Written values are cut to that as Go's conversion does; `bounded`: they are refused instead. */
export function count(
  name: string,
  summary: string,
  access: AccessOf<number>,
  options: { signed?: boolean; writable?: boolean; bounded?: boolean } = {},
): PathEntry {
  const { signed = false, writable = true, bounded = false } = options;
  return {
    name,
    summary,
    types: type.int,
    keyed: 'none',
    small: (env) => access(env).read,
    get: (env) => {
      const { read } = access(env);
      return () => BigInt(read());
    },
    ...setter(access, writable, (value) => {
      const number = asInt(value);
      const kept = signed ? BigInt.asIntN(32, number) : BigInt.asUintN(32, number);
      if (bounded && kept !== number) throw fault(`${name} is a number of 32 bits, from 0 to ${2 ** 32 - 1}`);
      return Number(kept);
    }),
  };
}

/** A time in two spellings: as time, and as int of nanoseconds. `access` is of unsigned nanoseconds. */
export function moment(name: string, summary: string, access: AccessOf<bigint>): PathEntry[] {
  return [
    {
      name,
      summary,
      types: type.time,
      keyed: 'none',
      get: (env) => {
        const { read } = access(env);
        return () => new OttlTime(BigInt.asIntN(64, read()));
      },
      ...setter(access, true, (value) => BigInt.asUintN(64, asTime(value).nanos)),
    },
    {
      name: `${name}_unix_nano`,
      summary: `${summary}, in nanoseconds since the epoch`,
      types: type.int,
      keyed: 'none',
      get: (env) => {
        const { read } = access(env);
        return () => BigInt.asIntN(64, read());
      },
      ...setter(access, true, (value) => BigInt.asUintN(64, asInt(value))),
    },
  ];
}

/** An id in two spellings: as id, and as hex text. An id that is absent is all zero. */
export function id(name: string, kind: 'trace id' | 'span id', access: AccessOf<Uint8Array>): PathEntry[] {
  const size = kind === 'trace id' ? 16 : 8;
  const zero = new Uint8Array(size);
  const bytes = (env: Environment): Getter<Uint8Array> => {
    const { read } = access(env);
    return () => {
      const found = read();
      return found.length === 0 ? zero : found;
    };
  };
  const summary = `The ${name.replaceAll('_', ' ')}`;
  return [
    {
      name,
      summary,
      types: kind === 'trace id' ? type.traceId : type.spanId,
      keyed: 'none',
      get: (env) => {
        const read = bytes(env);
        return () => new OttlId(kind, read());
      },
      ...setter(access, true, (value) => {
        if (value instanceof OttlId && value.kind === kind) return withoutZeros(value.bytes);
        throw fault(`expected a ${kind}, got ${describe(value)}`);
      }),
    },
    {
      name: `${name}.string`,
      summary: `${summary} as hex text`,
      types: type.string,
      keyed: 'none',
      get: (env) => {
        const read = bytes(env);
        return () => Buffer.from(read()).toString('hex');
      },
      ...setter(access, true, (value) => withoutZeros(idBytes(asString(value), kind, size))),
    },
  ];
}

/** An id of zeros is none: the field is left empty, as the Collector leaves it out. */
function withoutZeros(id: Uint8Array): Uint8Array {
  return id.every((byte) => byte === 0) ? noBytes : id;
}

const noBytes = new Uint8Array(0);

function idBytes(hex: string, kind: string, size: number): Uint8Array {
  if (hex.length !== size * 2 || !/^[0-9a-fA-F]*$/.test(hex)) throw fault(`a ${kind} is ${size * 2} hex digits`);
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

/** A number that has names. */
export function named(name: string, summary: string, names: readonly string[], access: AccessOf<number>): PathEntry {
  return {
    name,
    summary: `${summary}: ${names.join(', ')}`,
    types: type.string,
    keyed: 'none',
    get: (env) => {
      const { read } = access(env);
      return () => names[read()] ?? '';
    },
    ...setter(access, true, (value) => {
      const number = names.indexOf(asString(value));
      if (number < 0) throw fault(`the string is none of ${names.join(', ')}`);
      return number;
    }),
  };
}
