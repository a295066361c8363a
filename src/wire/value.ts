// AnyValue in JavaScript, used where a rule needs the value itself; the hot path compares bytes and never makes these.

/**
 * An OTLP AnyValue. int64 is bigint and double is number, so that both stay exact and apart; bytes are Uint8Array;
 * a map keeps its order. null: the value is empty (no field of the oneof set).
 */
export type Value =
  | null
  | string
  | boolean
  | bigint
  | number
  | Uint8Array
  | readonly Value[]
  | ReadonlyMap<string, Value>;

/** Field number in AnyValue's oneof = kind of the value; 0: empty (or a kind newer than this build). */
export const valueKind = { empty: 0, string: 1, bool: 2, int: 3, double: 4, array: 5, kvlist: 6, bytes: 7 } as const;
export type ValueKind = (typeof valueKind)[keyof typeof valueKind];
