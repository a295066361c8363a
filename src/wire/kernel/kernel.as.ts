// The loops over OTLP bytes, in AssemblyScript over the shared memory: validate and index a message, compare, copy, count.
//
// The memory holds other clients' data beside the message at hand, so no byte is read before it was compared with the end
// of what encloses it: every function takes that end, and a length that points past it ends the work with a code.
// No allocation, no static data: the tables (rules, keys, view blocks) are written by kernel.ts into the same memory.

// --- result codes, as in src/wire/codes.ts --------------------------------------------------------------------------
const UNUSUAL: i32 = 1;
const TRUNCATED: i32 = -1;
const BAD_LENGTH: i32 = -2;
const BAD_VARINT: i32 = -3;
const GROUP: i32 = -4;
const BAD_TAG: i32 = -5;
const BAD_WIRE_TYPE: i32 = -6;
const BAD_ID: i32 = -7;
const TOO_DEEP: i32 = -8;
const TOO_MANY: i32 = -9;

/** Messages inside one another, from the request down: what protobuf's own parsers accept by default. */
const MAX_DEPTH: i32 = 100;

/** Most events, and most links, of one span: a list of their positions is made when a rule asks for one. */
const MAX_ITEMS: u32 = 65536;

// --- rules: u32 for each kind of message and field number 0..31 (0: unknown field) ---------------------------------
// bits 0-2 wire type + 1 | bit 3 repeated | bit 4 attribute list | bit 5 id | bit 6 opaque container | bit 7 oneof
// bits 8-15 child kind + 1 | bits 16-23 id length
const REPEATED: u32 = 8;
const ATTRIBUTES: u32 = 16;
const ID: u32 = 32;
const CONTAINER: u32 = 64;
const ONEOF: u32 = 128;

const KIND_KEY_VALUE: i32 = 9;

// --- view block -----------------------------------------------------------------------------------------------------
// 0 present fields (bit = number) | 4 attribute count | 8 flags | 12 slots | 16 entries | 20 capacity of entries | 24 slots in bytes
// 32 + 16 * field: start, end (of the field with its tag), value, length; of repeated fields: first start, last end, count.
// Resource spans and scope spans are unusual when their scopes or spans do not stand one right behind the other.
const BLOCK_COUNT: usize = 4;
const BLOCK_FLAGS: usize = 8;
const BLOCK_SLOTS: usize = 12;
const BLOCK_ENTRIES: usize = 16;
const BLOCK_CAPACITY: usize = 20;
const BLOCK_SLOT_BYTES: usize = 24;
const BLOCK_FIELDS: usize = 32;
/** Flag: an interned key occurs more than once. */
const DUPLICATE_KEYS: u32 = 1;

// An attribute entry, 32 bytes: field start, field end, key, key length, value, value length, state, spare.
const ENTRY_BYTES: usize = 32;

let rules: usize = 0;
let heads: usize = 0; // i32 x 256: first key of a hash, -1 none
let keys: usize = 0; // 16 bytes a key: next, length, pointer, spare
let lengths: usize = 0; // u8 x 256: is there an interned key of this length (255: that long or longer)
let position: usize = 0; // where the reader stands; after an error: where it is
let error: i32 = 0;

export function setRules(at: usize): void {
  rules = at;
}

export function setKeys(headsAt: usize, keysAt: usize, lengthsAt: usize): void {
  heads = headsAt;
  keys = keysAt;
  lengths = lengthsAt;
}

/** Where the last index or count stopped with a negative code. */
export function errorPosition(): usize {
  return position;
}

function varintRest(end: usize): u64 {
  let value: u64 = 0;
  let shift: u64 = 0;
  let p = position;
  while (p < end) {
    const b = <u64>load<u8>(p++);
    if (shift > 63 || (shift == 63 && b > 1)) {
      error = BAD_VARINT;
      return 0;
    }
    value |= (b & 127) << shift;
    if (b < 128) {
      position = p;
      return value;
    }
    shift += 7;
  }
  error = TRUNCATED;
  return 0;
}

// @ts-ignore: decorator
@inline
function varint(end: usize): u64 {
  if (position < end) {
    const b = <u64>load<u8>(position);
    if (b < 128) {
      position++;
      return b;
    }
  }
  return varintRest(end);
}

/** Reads a length and checks that so many bytes follow before `end`. */
// @ts-ignore: decorator
@inline
function lengthBefore(end: usize): usize {
  const n = varint(end);
  if (n > <u64>(end - position)) {
    if (error == 0) error = BAD_LENGTH;
    return 0;
  }
  return <usize>n;
}

/** Reads a tag; 0 with `error` or with `unusualTag` set. A padded tag is legal and unusual. */
let unusualTag: bool = false;
function tagRest(end: usize): u32 {
  const from = position;
  const value = varintRest(end);
  if (error != 0) return 0;
  if (value > 0xffffffff) {
    error = BAD_TAG;
    return 0;
  }
  if (load<u8>(position - 1) == 0 && position - from > 1) unusualTag = true;
  return <u32>value;
}

// @ts-ignore: decorator
@inline
function readTag(end: usize): u32 {
  const b = <u32>load<u8>(position); // the caller has compared position with end
  if (b < 128) {
    position++;
    return b;
  }
  return tagRest(end);
}

function skip(wire: u32, end: usize): void {
  if (wire == 0) {
    varint(end);
  } else if (wire == 2) {
    const n = lengthBefore(end);
    if (error == 0) position += n;
  } else if (wire == 1 || wire == 5) {
    const n: usize = wire == 1 ? 8 : 4;
    if (n > end - position) error = TRUNCATED;
    else position += n;
  } else {
    error = wire == 3 || wire == 4 ? GROUP : BAD_TAG;
  }
}

function findKey(at: usize, n: u32): i32 {
  const h = (n * 31 + <u32>load<u8>(at) * 7 + <u32>load<u8>(at + (n >> 1)) * 13 + <u32>load<u8>(at + n - 1) * 3) & 255;
  let i = load<i32>(heads + (h << 2));
  while (i >= 0) {
    const k = keys + (<usize>i << 4);
    if (load<u32>(k + 4) == n && equal(load<u32>(k + 8), at, n)) return i;
    i = load<i32>(k);
  }
  return -1;
}

/**
 * Checks one message at position..end with everything in it. 0, UNUSUAL, or a negative code with `position` at the fault.
 */
function validate(kind: i32, end: usize, depth: i32): i32 {
  if (depth > MAX_DEPTH) return (error = TOO_DEEP);
  const ruleOf = rules + (<usize>kind << 7);
  let seen: u32 = 0;
  let unknownSeen = false;
  let unusual: i32 = 0;
  while (position < end) {
    const at = position;
    const tag = readTag(end);
    if (error != 0) return error;
    const field = tag >> 3;
    const wire = tag & 7;
    if (field == 0) return (error = BAD_TAG);
    const rule: u32 = field < 32 ? load<u32>(ruleOf + (<usize>field << 2)) : 0;
    if (rule == 0) {
      unknownSeen = true;
      skip(wire, end);
      if (error != 0) return error;
      continue;
    }
    if ((rule & 7) != wire + 1) {
      position = at;
      return (error = wire == 3 || wire == 4 ? GROUP : BAD_WIRE_TYPE);
    }
    if ((rule & REPEATED) == 0) {
      // A singular field twice, a second member of the oneof, or an unknown field before it.
      if ((rule & ONEOF) != 0 ? seen != 0 || unknownSeen : (seen & (1 << field)) != 0) unusual = UNUSUAL;
      // Value before key, or either behind another field: `attribute` would not find them.
      if (kind == KIND_KEY_VALUE && (unknownSeen || (field == 1 && seen != 0) || (field == 2 && (seen & ~2) != 0))) {
        unusual = UNUSUAL;
      }
      seen |= 1 << field;
    }
    if (wire != 2) {
      skip(wire, end);
      if (error != 0) return error;
      continue;
    }
    const n = lengthBefore(end);
    if (error != 0) return error;
    const child = <i32>((rule >> 8) & 255) - 1;
    if (child < 0) {
      if ((rule & ID) != 0 && n != 0 && n != <usize>(rule >> 16)) {
        position = at;
        return (error = BAD_ID);
      }
      position += n;
    } else {
      const inner = validate(child, position + n, depth + 1);
      if (inner < 0) return inner;
      unusual |= inner;
    }
  }
  return unusual;
}

/** The key of an attribute is known at `key`: notes the entry as the first of that key, or that there are several. */
// @ts-ignore: decorator
@inline
function resolveKey(key: usize, length: u32, entryIndex: i32, block: usize, slots: usize): void {
  const id = findKey(key, length);
  if (id < 0) return;
  const slot = slots + (<usize>id << 2);
  if (load<i32>(slot) < 0) store<i32>(slot, entryIndex);
  else store<u32>(block + BLOCK_FLAGS, load<u32>(block + BLOCK_FLAGS) | DUPLICATE_KEYS);
}

/** The AnyValue at from..end is one scalar in its plain form, and nothing else: the check that nearly all values pass. */
// @ts-ignore: decorator
@inline
function isPlainValue(from: usize, end: usize): bool {
  if (from == end) return true; // the empty value
  const tag = load<u8>(from);
  if (tag == 0x0a) {
    const n = end - from;
    if (n < 2) return false;
    const b = <usize>load<u8>(from + 1);
    if (b < 128) return b + 2 == n;
    if (n < 3) return false;
    const c = <usize>load<u8>(from + 2);
    return c < 128 && ((b & 127) | (c << 7)) + 3 == n;
  }
  if (tag == 0x18 || tag == 0x10) {
    const n = end - from;
    if (n == 2) return load<u8>(from + 1) < 128;
    return n == 3 && load<u8>(from + 1) > 127 && load<u8>(from + 2) < 128;
  }
  return tag == 0x21 && end - from == 9;
}

/** A KeyValue that is not in its plain form; `entry` is written. Returns 0, UNUSUAL or a negative code. */
function attributeSlow(from: usize, end: usize, entry: usize, depth: i32): i32 {
  let key = from;
  let keyLength: usize = 0;
  let value = end;
  let valueLength: usize = 0;
  position = from;
  const result = validate(KIND_KEY_VALUE, end, depth);
  if (result < 0) return result;
  // It is valid; key and value stand first, in this order, or it is unusual.
  position = from;
  if (position < end && load<u8>(position) == 0x0a) {
    position++;
    keyLength = lengthBefore(end);
    key = position;
    position += keyLength;
  }
  if (position < end && load<u8>(position) == 0x12) {
    position++;
    valueLength = lengthBefore(end);
    value = position;
  }
  store<u32>(entry + 8, <u32>key);
  store<u32>(entry + 12, <u32>keyLength);
  store<u32>(entry + 16, <u32>value);
  store<u32>(entry + 20, <u32>valueLength);
  position = end;
  return result;
}

/**
 * Validates the message of a kind at from..end and writes what it holds into the view block: fields, attributes, and
 * for each interned key the entry where it stands first. 0, UNUSUAL, or a negative code (errorPosition says where).
 * `p` is the reader's position as long as nothing slow is called: a local lives in a register.
 */
export function index(kind: i32, from: usize, end: usize, block: usize, depth: i32): i32 {
  const ruleOf = rules + (<usize>kind << 7);
  const slots = <usize>load<u32>(block + BLOCK_SLOTS);
  const slotsEnd = slots + load<u32>(block + BLOCK_SLOT_BYTES);
  for (let s = slots; s < slotsEnd; s += 4) store<i32>(s, -1);
  const capacity = load<i32>(block + BLOCK_CAPACITY);
  const lengthTable = lengths;
  // What is left of the last message must not be seen when this one ends in a code.
  store<u32>(block, 0);
  store<i32>(block + BLOCK_COUNT, 0);
  store<u32>(block + BLOCK_FLAGS, 0);
  let entry = <usize>load<u32>(block + BLOCK_ENTRIES);
  let count: i32 = 0;
  let seen: u32 = 0;
  let unusual: i32 = 0;
  error = 0;
  unusualTag = false;
  let p = from;
  while (p < end) {
    const at = p;
    let tag = <u32>load<u8>(p++);
    if (tag > 127) {
      position = at;
      tag = tagRest(end);
      if (error != 0) return error;
      p = position;
    }
    const field = tag >> 3;
    const wire = tag & 7;
    if (field == 0) {
      position = at;
      return (error = BAD_TAG);
    }
    const rule: u32 = field < 32 ? load<u32>(ruleOf + (<usize>field << 2)) : 0;
    if (rule == 0) {
      position = p;
      skip(wire, end);
      if (error != 0) return error;
      p = position;
      continue;
    }
    if ((rule & 7) != wire + 1) {
      position = at;
      return (error = wire == 3 || wire == 4 ? GROUP : BAD_WIRE_TYPE);
    }
    let n: usize = 0;
    if (wire == 2) {
      const lengthAt = p;
      n = p < end ? load<u8>(p) : 128;
      p++;
      if (n > 127 || n > end - p) {
        position = lengthAt;
        n = lengthBefore(end);
        if (error != 0) return error;
        p = position;
      }
      if ((rule & ATTRIBUTES) != 0) {
        if (count >= capacity) {
          position = at;
          return (error = TOO_MANY);
        }
        const stop = p + n;
        // The plain form: key tag, length, key, value tag, length, one scalar.
        if (n > 3 && load<u8>(p) == 0x0a) {
          const keyLength = <usize>load<u8>(p + 1);
          const key = p + 2;
          let v = key + keyLength; // at the value's tag
          if (keyLength < 128 && v + 2 <= stop && load<u8>(v) == 0x12) {
            let valueLength = <usize>load<u8>(v + 1);
            v += 2;
            if (valueLength > 127 && v < stop) {
              const high = <usize>load<u8>(v++);
              valueLength = high > 127 ? 0xffffff : (valueLength & 127) | (high << 7);
            }
            if (v + valueLength == stop && isPlainValue(v, stop)) {
              store<u32>(entry, <u32>at);
              store<u32>(entry + 4, <u32>stop);
              store<u32>(entry + 8, <u32>key);
              store<u32>(entry + 12, <u32>keyLength);
              store<u32>(entry + 16, <u32>v);
              store<u32>(entry + 20, <u32>valueLength);
              store<u32>(entry + 24, 0);
              if (keyLength != 0 && load<u8>(lengthTable + keyLength) != 0) {
                resolveKey(key, <u32>keyLength, count, block, slots);
              }
              entry += ENTRY_BYTES;
              count++;
              p = stop;
              continue;
            }
          }
        }
        const result = attributeSlow(p, stop, entry, depth + 1);
        if (result < 0) return result;
        unusual |= result;
        store<u32>(entry, <u32>at);
        store<u32>(entry + 4, <u32>stop);
        store<u32>(entry + 24, 0);
        const keyLength = load<u32>(entry + 12);
        if (keyLength != 0 && load<u8>(lengthTable + (keyLength < 255 ? keyLength : 255)) != 0) {
          resolveKey(load<u32>(entry + 8), keyLength, count, block, slots);
        }
        entry += ENTRY_BYTES;
        count++;
        p = stop;
        continue;
      }
    }
    const value = p;
    if (wire == 2) {
      if ((rule & ID) != 0 && n != 0 && n != <usize>(rule >> 16)) {
        position = at;
        return (error = BAD_ID);
      }
      const child = <i32>((rule >> 8) & 255) - 1;
      if (child >= 0 && (rule & CONTAINER) == 0) {
        position = p;
        const result = validate(child, p + n, depth + 1);
        if (result < 0) return result;
        unusual |= result;
      }
      p += n;
    } else if (wire == 1) {
      if (end - p < 8) {
        position = at;
        return (error = TRUNCATED);
      }
      p += 8;
      n = 8;
    } else {
      position = p;
      skip(wire, end);
      if (error != 0) return error;
      p = position;
      n = p - value;
    }
    const record = block + BLOCK_FIELDS + (<usize>field << 4);
    const bit = <u32>1 << field;
    if ((rule & REPEATED) != 0) {
      if ((seen & bit) == 0) {
        store<u32>(record, <u32>at);
        store<u32>(record + 8, 0);
      } else if ((rule & CONTAINER) != 0 && load<u32>(record + 4) != <u32>at) {
        unusual = UNUSUAL; // other fields between the spans: what stands before and behind them is all a writer copies
      }
      const number = load<u32>(record + 8) + 1;
      if (number > MAX_ITEMS && (rule & CONTAINER) == 0) {
        position = at;
        return (error = TOO_MANY);
      }
      store<u32>(record + 4, <u32>p);
      store<u32>(record + 8, number);
    } else {
      if ((seen & bit) != 0) unusual = UNUSUAL;
      store<u32>(record, <u32>at);
      store<u32>(record + 4, <u32>p);
      store<u32>(record + 8, <u32>value);
      store<u32>(record + 12, <u32>n);
    }
    seen |= bit;
  }
  position = p;
  store<u32>(block, seen);
  store<i32>(block + BLOCK_COUNT, count);
  return unusualTag ? UNUSUAL : unusual;
}

/** Bytes a..a+n and b..b+n are the same. */
export function equal(a: usize, b: usize, n: usize): bool {
  let i: usize = 0;
  while (i + 8 <= n) {
    if (load<u64>(a + i) != load<u64>(b + i)) return false;
    i += 8;
  }
  while (i < n) {
    if (load<u8>(a + i) != load<u8>(b + i)) return false;
    i++;
  }
  return true;
}

export function copy(to: usize, from: usize, n: usize): void {
  memory.copy(to, from, n);
}

/** Spans under a message of kind 0 (request), 1 (resource spans) or 2 (scope spans); negative: malformed containers. */
export function countSpans(kind: i32, from: usize, end: usize): i32 {
  let count: i32 = 0;
  error = 0;
  position = from;
  while (position < end) {
    const tag = readTag(end);
    if (error != 0) return error;
    if (tag == (kind == 0 ? <u32>0x0a : <u32>0x12)) {
      const n = lengthBefore(end);
      if (error != 0) return error;
      const start = position;
      if (kind == 2) count++;
      else {
        const inner = countSpans(kind + 1, start, start + n);
        if (inner < 0) return inner;
        count += inner;
      }
      position = start + n;
    } else {
      skip(tag & 7, end);
      if (error != 0) return error;
    }
  }
  return count;
}
