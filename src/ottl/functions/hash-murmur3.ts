// MurmurHash3 with seed 0: x86 of 32 bits and x64 of 128 bits, as hex of little-endian words.

function rotate32(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

function scramble32(k: number): number {
  return Math.imul(rotate32(Math.imul(k, 0xcc9e2d51), 15), 0x1b873593);
}

export function murmur3Hex32(data: Buffer): string {
  const whole = data.length & ~3;
  let h = 0;
  for (let i = 0; i < whole; i += 4) {
    h = rotate32(h ^ scramble32(data.readInt32LE(i)), 13);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  if (whole < data.length) h ^= scramble32(data.readUIntLE(whole, data.length - whole));
  h ^= data.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  const out = Buffer.alloc(4);
  out.writeInt32LE(h ^ (h >>> 16));
  return out.toString('hex');
}

const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);
const rotate64 = (x: bigint, by: bigint): bigint => u64(x << by) | (x >> (64n - by));
const c1 = 0x87c37b91114253d5n;
const c2 = 0x4cf5ad432745937fn;
const scrambleLow = (k: bigint): bigint => u64(rotate64(u64(k * c1), 31n) * c2);
const scrambleHigh = (k: bigint): bigint => u64(rotate64(u64(k * c2), 33n) * c1);

function finish64(h: bigint): bigint {
  const first = u64((h ^ (h >> 33n)) * 0xff51afd7ed558ccdn);
  const second = u64((first ^ (first >> 33n)) * 0xc4ceb9fe1a85ec53n);
  return second ^ (second >> 33n);
}

export function murmur3Hex128(data: Buffer): string {
  const whole = data.length & ~15;
  let h1 = 0n;
  let h2 = 0n;
  for (let i = 0; i < whole; i += 16) {
    h1 = u64(rotate64(h1 ^ scrambleLow(data.readBigUInt64LE(i)), 27n) + h2);
    h1 = u64(h1 * 5n + 0x52dce729n);
    h2 = u64(rotate64(h2 ^ scrambleHigh(data.readBigUInt64LE(i + 8)), 31n) + h1);
    h2 = u64(h2 * 5n + 0x38495ab5n);
  }
  const rest = Buffer.alloc(16);
  data.copy(rest, 0, whole);
  h1 ^= scrambleLow(rest.readBigUInt64LE(0)) ^ BigInt(data.length);
  h2 ^= scrambleHigh(rest.readBigUInt64LE(8)) ^ BigInt(data.length);
  h1 = u64(h1 + h2);
  h2 = u64(h2 + h1);
  h1 = finish64(h1);
  h2 = finish64(h2);
  h1 = u64(h1 + h2);
  rest.writeBigUInt64LE(h1, 0);
  rest.writeBigUInt64LE(u64(h2 + h1), 8);
  return rest.toString('hex');
}
