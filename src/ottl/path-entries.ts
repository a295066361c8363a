// The shapes that paths come in: text, small int, moment, id. `access` says how one is read and written.
import { asInt, asString, asTime } from './coerce.ts';
import type { ContextName, Environment } from './environment.ts';
import { fault } from './error.ts';
import { describe, type Getter, OttlId, OttlTime, type Setter, type TypeSet, type } from './values.ts';

export interface PathDefinition {
  readonly context: ContextName;
  /** Behind the context's name: `status.code`. */
  readonly name: string;
  readonly summary: string;
  /** What it gives when no key follows. */
  readonly types: TypeSet;
  /** attributes and cache: maps of any depth; trace_state: one text key; none: no key may follow. */
  readonly keyed: 'none' | 'attributes' | 'cache' | 'trace_state';
  readonly writable: boolean;
  /** Absent for attributes and cache, which the compiler reads itself. */
  readonly get?: (env: Environment) => Getter;
  readonly set?: (env: Environment) => Setter;
  /** The same as `get` where it is an int below 2^53: comparisons then need no bigint. */
  readonly small?: (env: Environment) => Getter<number>;
}

export type PathEntry = Omit<PathDefinition, 'context' | 'keyed' | 'writable'> & {
  readonly keyed?: PathDefinition['keyed'];
};

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

export function text(name: string, summary: string, access: AccessOf<string>, writable = true): PathEntry {
  return { name, summary, types: type.string, get: (env) => access(env).read, ...setter(access, writable, asString) };
}

/** An int of 32 bits. Written values are cut to that as Go's conversion does. */
export function count(
  name: string,
  summary: string,
  access: AccessOf<number>,
  options: { signed?: boolean; writable?: boolean } = {},
): PathEntry {
  const { signed = false, writable = true } = options;
  return {
    name,
    summary,
    types: type.int,
    small: (env) => access(env).read,
    get: (env) => {
      const { read } = access(env);
      return () => BigInt(read());
    },
    ...setter(access, writable, (value) =>
      Number(signed ? BigInt.asIntN(32, asInt(value)) : BigInt.asUintN(32, asInt(value))),
    ),
  };
}

/** A time in two spellings: as time, and as int of nanoseconds. `access` is of unsigned nanoseconds. */
export function moment(name: string, summary: string, access: AccessOf<bigint>): PathEntry[] {
  return [
    {
      name,
      summary,
      types: type.time,
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
      get: (env) => {
        const { read } = access(env);
        return () => BigInt.asIntN(64, read());
      },
      ...setter(access, true, (value) => BigInt.asUintN(64, asInt(value))),
    },
  ];
}

/** An id in two spellings: as id, and as hex text. An id that is absent is all zero. */
export function id(name: string, kind: OttlId['kind'], access: AccessOf<Uint8Array>): PathEntry[] {
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
      get: (env) => {
        const read = bytes(env);
        return () => new OttlId(kind, read());
      },
      ...setter(access, true, (value) => {
        if (value instanceof OttlId && value.kind === kind) return value.bytes;
        throw fault(`expected a ${kind}, got ${describe(value)}`);
      }),
    },
    {
      name: `${name}.string`,
      summary: `${summary} as hex text`,
      types: type.string,
      get: (env) => {
        const read = bytes(env);
        return () => Buffer.from(read()).toString('hex');
      },
      ...setter(access, true, (value) => idBytes(asString(value), kind, size)),
    },
  ];
}

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
