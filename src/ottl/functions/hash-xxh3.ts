// XXH3 of 64 and 128 bits with seed 0 and the default secret, as big-endian hex. Up to 240 bytes there is a formula for each
// range of lengths; longer texts go through eight 64-bit lanes, kept as 32-bit halves because BigInt would be slow there.

const secret = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248e' +
    'e03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d' +
    '8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc' +
    '8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
);
const prime32 = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn] as const;
const prime64 = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;
const mix1 = 0x165667919e3779f9n;
const mix2 = 0x9fb21c651e98df25n;

const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);
const low = u64;
const high = (x: bigint): bigint => x >> 64n;
const at64 = (data: Buffer, at: number): bigint => data.readBigUInt64LE(at);
const at32 = (data: Buffer, at: number): bigint => BigInt(data.readUInt32LE(at));
/** Two words of the secret. */
const flip64 = (at: number): bigint => at64(secret, at) ^ at64(secret, at + 8);
const flip32 = (at: number): bigint => at32(secret, at) ^ at32(secret, at + 4);
const fold = (a: bigint, b: bigint): bigint => low(a * b) ^ high(a * b);
const rotate = (x: bigint, by: bigint): bigint => u64(x << by) | (x >> (64n - by));

function swap(x: bigint, size: 4 | 8): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(x);
  return size === 8 ? at64(bytes, 0) : at32(bytes, 4);
}

function avalanche(h: bigint): bigint {
  const mixed = u64((h ^ (h >> 37n)) * mix1);
  return mixed ^ (mixed >> 32n);
}

/** That of XXH64. */
function oldAvalanche(h: bigint): bigint {
  const first = u64((h ^ (h >> 33n)) * prime64[1]);
  const second = u64((first ^ (first >> 29n)) * prime64[2]);
  return second ^ (second >> 32n);
}

function mix16(data: Buffer, at: number, key: number): bigint {
  return fold(at64(data, at) ^ at64(secret, key), at64(data, at + 8) ^ at64(secret, key + 8));
}

/** Of one to three bytes. */
function tiny(data: Buffer): bigint {
  const { length } = data;
  return BigInt(((data[0] << 16) | (data[length >> 1] << 24) | data[length - 1] | (length << 8)) >>> 0);
}

export function xxh3Hex64(data: Buffer): string {
  return toHex(hash64(data));
}

/** The high half comes first. */
export function xxh3Hex128(data: Buffer): string {
  const [lower, upper] = hash128(data);
  return toHex(upper) + toHex(lower);
}

const toHex = (x: bigint): string => x.toString(16).padStart(16, '0');

function hash64(data: Buffer): bigint {
  const size = data.length;
  const length = BigInt(size);
  if (size > 240) return merge(longLanes(data), 11, u64(length * prime64[0]));
  if (size > 128) {
    let start = u64(length * prime64[0]);
    for (let i = 0; i < 8; i++) start += mix16(data, 16 * i, 16 * i);
    let end = mix16(data, size - 16, 119);
    for (let i = 8; i < size >> 4; i++) end += mix16(data, 16 * i, 16 * (i - 8) + 3);
    return avalanche(u64(avalanche(u64(start)) + end));
  }
  if (size > 16) {
    let sum = length * prime64[0];
    for (let i = (size - 1) >> 5; i >= 0; i--) {
      sum += mix16(data, 16 * i, 32 * i) + mix16(data, size - 16 * (i + 1), 32 * i + 16);
    }
    return avalanche(u64(sum));
  }
  if (size > 8) {
    const first = at64(data, 0) ^ flip64(24);
    const last = at64(data, size - 8) ^ flip64(40);
    return avalanche(u64(length + swap(first, 8) + last + fold(first, last)));
  }
  if (size >= 4) {
    const key = (at32(data, size - 4) + (at32(data, 0) << 32n)) ^ flip64(8);
    let h = u64((key ^ rotate(key, 49n) ^ rotate(key, 24n)) * mix2);
    h = u64((h ^ ((h >> 35n) + length)) * mix2);
    return h ^ (h >> 28n);
  }
  return oldAvalanche(size > 0 ? tiny(data) ^ flip32(0) : flip64(56));
}

function hash128(data: Buffer): readonly [low: bigint, high: bigint] {
  const size = data.length;
  const length = BigInt(size);
  if (size > 240) {
    const lanes = longLanes(data);
    return [merge(lanes, 11, u64(length * prime64[0])), merge(lanes, 117, u64(~(length * prime64[1])))];
  }
  if (size > 16) return middle128(data, length);
  if (size > 8) {
    const last = at64(data, size - 8);
    const product = (at64(data, 0) ^ last ^ flip64(32)) * prime64[0];
    const keyed = last ^ flip64(48);
    const upper = u64(high(product) + keyed + BigInt.asUintN(32, keyed) * (prime32[1] - 1n));
    const lower = u64(low(product) + ((length - 1n) << 54n)) ^ swap(upper, 8);
    const second = lower * prime64[1];
    return [avalanche(low(second)), avalanche(u64(high(second) + upper * prime64[1]))];
  }
  if (size >= 4) {
    const key = (at32(data, 0) + (at32(data, size - 4) << 32n)) ^ flip64(16);
    const product = key * (prime64[0] + (length << 2n));
    const upper = u64(high(product) + (low(product) << 1n));
    let lower = low(product) ^ (upper >> 3n);
    lower = u64((lower ^ (lower >> 35n)) * mix2);
    return [lower ^ (lower >> 28n), avalanche(upper)];
  }
  if (size === 0) return [oldAvalanche(flip64(64)), oldAvalanche(flip64(80))];
  const bytes = tiny(data);
  const swapped = swap(bytes, 4);
  const turned = BigInt.asUintN(32, swapped << 13n) | (swapped >> 19n);
  return [oldAvalanche(bytes ^ flip32(0)), oldAvalanche(turned ^ flip32(8))];
}

/** From 17 to 240 bytes. */
function middle128(data: Buffer, length: bigint): readonly [low: bigint, high: bigint] {
  const size = data.length;
  let a = u64(length * prime64[0]);
  let b = 0n;
  const mix = (first: number, second: number, key: number): void => {
    a = u64(a + mix16(data, first, key)) ^ u64(at64(data, second) + at64(data, second + 8));
    b = u64(b + mix16(data, second, key + 16)) ^ u64(at64(data, first) + at64(data, first + 8));
  };
  if (size <= 128) {
    for (let i = (size - 1) >> 5; i >= 0; i--) mix(16 * i, size - 16 * (i + 1), 32 * i);
  } else {
    for (let at = 0; at < 128; at += 32) mix(at, at + 16, at);
    a = avalanche(a);
    b = avalanche(b);
    for (let at = 128; at + 32 <= size; at += 32) mix(at, at + 16, at - 125);
    mix(size - 16, size - 32, 103);
  }
  const upper = u64(a * prime64[0] + b * prime64[3] + length * prime64[1]);
  return [avalanche(u64(a + b)), u64(-avalanche(upper))];
}

function merge(lanes: readonly bigint[], key: number, start: bigint): bigint {
  let sum = start;
  for (let i = 0; i < 8; i += 2) {
    sum += fold(lanes[i] ^ at64(secret, key + 8 * i), lanes[i + 1] ^ at64(secret, key + 8 * i + 8));
  }
  return avalanche(u64(sum));
}

const stripe = 64;
const block = 1024;
const firstLanes = [prime32[2], prime64[0], prime64[1], prime64[2], prime64[3], prime32[1], prime64[4], prime32[0]];

/** What the eight lanes hold behind a text of more than 240 bytes. */
function longLanes(data: Buffer): readonly bigint[] {
  // Low and high half of each lane.
  const lanes = new Uint32Array(firstLanes.flatMap((lane) => [Number(lane & 0xffffffffn), Number(lane >> 32n)]));
  const blocksEnd = Math.floor((data.length - 1) / block) * block;
  const stripesEnd = Math.floor((data.length - 1) / stripe) * stripe;
  for (let at = 0; at < stripesEnd; at += stripe) {
    accumulate(lanes, data, at, (at % block) / 8);
    if (at < blocksEnd && (at + stripe) % block === 0) scramble(lanes);
  }
  accumulate(lanes, data, data.length - stripe, 121);
  return firstLanes.map((_, i) => (BigInt(lanes[2 * i + 1]) << 32n) | BigInt(lanes[2 * i]));
}

/** `halves[at]`, `halves[at + 1]` plus a 64-bit number. */
function add(halves: Uint32Array, at: number, lower: number, upper: number): void {
  const sum = halves[at] + lower;
  halves[at] = sum;
  halves[at + 1] += upper + (sum > 0xffffffff ? 1 : 0);
}

function accumulate(lanes: Uint32Array, data: Buffer, at: number, key: number): void {
  for (let i = 0; i < 8; i++) {
    const lower = data.readUInt32LE(at + 8 * i);
    const upper = data.readUInt32LE(at + 8 * i + 4);
    add(lanes, 2 * (i ^ 1), lower, upper);
    const a = (lower ^ secret.readUInt32LE(key + 8 * i)) >>> 0;
    const b = (upper ^ secret.readUInt32LE(key + 8 * i + 4)) >>> 0;
    add(lanes, 2 * i, Math.imul(a, b) >>> 0, productHigh(a, b));
  }
}

/** The upper 32 of the 64 bits of the product. */
function productHigh(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const other = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000);
}

/** Behind each block: lane ^= lane >> 47, ^= secret, *= prime. */
function scramble(lanes: Uint32Array): void {
  const prime = Number(prime32[0]);
  for (let i = 0; i < 8; i++) {
    const upper = lanes[2 * i + 1];
    const a = (lanes[2 * i] ^ (upper >>> 15) ^ secret.readUInt32LE(128 + 8 * i)) >>> 0;
    const b = (upper ^ secret.readUInt32LE(132 + 8 * i)) >>> 0;
    lanes[2 * i] = Math.imul(a, prime);
    lanes[2 * i + 1] = productHigh(a, prime) + (Math.imul(b, prime) >>> 0);
  }
}
