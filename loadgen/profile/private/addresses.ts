// Addresses of Bitcoin and Ethereum with right checksums, of random keys that nobody has.
import { createHash } from 'node:crypto';
import { below, type Random } from './draw-text.ts';

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

const randomBytes = (random: Random, count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, () => below(random, 256)));

const base58Alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** Version byte and payload with the first four bytes of a double SHA-256, in base 58; a leading zero byte is a 1. */
const base58Check = (payload: Buffer): string => {
  const bytes = Buffer.concat([payload, sha256(sha256(payload)).subarray(0, 4)]);
  let text = '';
  for (let rest = BigInt(`0x${bytes.toString('hex')}`); rest > 0n; rest /= 58n) {
    text = base58Alphabet.charAt(Number(rest % 58n)) + text;
  }
  for (let index = 0; bytes[index] === 0; index++) text = `1${text}`;
  return text;
};

const bech32Alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const bech32Generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** The checksum of BIP 173 over values of five bits. */
const bech32Polymod = (values: readonly number[]): number => {
  let check = 1;
  for (const value of values) {
    const top = check >>> 25;
    check = ((check & 0x1ffffff) << 5) ^ value;
    for (const [bit, term] of bech32Generator.entries()) if (((top >>> bit) & 1) === 1) check ^= term;
  }
  return check;
};

/** BIP 173, witness version 0, a program of 20 bytes, on the main network. */
const bech32 = (program: Buffer): string => {
  const bits = [...program].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const values = [0, ...(bits.match(/.{5}/g) ?? []).map((five) => Number.parseInt(five, 2))];
  // The human-readable part "bc": upper bits, a zero, lower bits.
  const check = bech32Polymod([3, 3, 0, 2, 3, ...values, 0, 0, 0, 0, 0, 0]) ^ 1;
  const tail = [25, 20, 15, 10, 5, 0].map((shift) => (check >>> shift) & 31);
  return `bc1${[...values, ...tail].map((value) => bech32Alphabet.charAt(value)).join('')}`;
};

export const bitcoinAddress = (random: Random): string => {
  const kind = below(random, 3);
  const program = randomBytes(random, 20);
  return kind === 2 ? bech32(program) : base58Check(Buffer.concat([Buffer.of(kind === 0 ? 0 : 5), program]));
};

/** One character of a Base58Check address is another one. */
export const brokenBitcoinAddress = (random: Random): string => {
  const text = base58Check(Buffer.concat([Buffer.of(0), randomBytes(random, 20)]));
  const at = 5 + below(random, 20);
  const next = (base58Alphabet.indexOf(text.charAt(at)) + 1 + below(random, 57)) % 58;
  return text.slice(0, at) + base58Alphabet.charAt(next) + text.slice(at + 1);
};

const lanes = 0xffffffffffffffffn;
const rotate = (lane: bigint, by: number): bigint => ((lane << BigInt(by)) | (lane >> BigInt(64 - by))) & lanes;

/** The bits of iota come from a register of eight bits with the feedback x^8 + x^6 + x^5 + x^4 + 1. */
const roundConstants = ((): readonly bigint[] => {
  let register = 1;
  return Array.from({ length: 24 }, () => {
    let constant = 0n;
    for (let power = 0; power < 7; power++) {
      if ((register & 1) === 1) constant |= 1n << ((1n << BigInt(power)) - 1n);
      register <<= 1;
      if ((register & 0x100) !== 0) register ^= 0x171;
    }
    return constant;
  });
})();

/** Keccak-f[1600] (FIPS 202, section 3) on 25 lanes, x + 5y. */
const permute = (state: bigint[]): void => {
  const lane = (index: number): bigint => state[index] as bigint;
  for (const constant of roundConstants) {
    const columns = [0, 1, 2, 3, 4].map((x) => lane(x) ^ lane(x + 5) ^ lane(x + 10) ^ lane(x + 15) ^ lane(x + 20));
    for (let index = 0; index < 25; index++) {
      const x = index % 5;
      state[index] = lane(index) ^ (columns[(x + 4) % 5] as bigint) ^ rotate(columns[(x + 1) % 5] as bigint, 1);
    }
    let moved = lane(1);
    for (let step = 0, x = 1, y = 0; step < 24; step++) {
      [x, y] = [y, (2 * x + 3 * y) % 5];
      const next = lane(x + 5 * y);
      state[x + 5 * y] = rotate(moved, (((step + 1) * (step + 2)) / 2) % 64);
      moved = next;
    }
    for (let row = 0; row < 25; row += 5) {
      const old = state.slice(row, row + 5);
      for (let x = 0; x < 5; x++) {
        state[row + x] = (old[x] as bigint) ^ (~(old[(x + 1) % 5] as bigint) & lanes & (old[(x + 2) % 5] as bigint));
      }
    }
    state[0] = lane(0) ^ constant;
  }
};

/** Keccak-256 as Ethereum has it (padding 01, not SHA-3's 06) of less than 136 bytes, as hex. */
const keccak256 = (text: string): string => {
  const block = Buffer.alloc(136);
  block[block.write(text)] = 0x01;
  block[135] = (block[135] as number) | 0x80;
  const state = Array.from({ length: 25 }, (_, index) => (index < 17 ? block.readBigUInt64LE(index * 8) : 0n));
  permute(state);
  const digest = Buffer.alloc(32);
  for (let index = 0; index < 4; index++) digest.writeBigUInt64LE(state[index] as bigint, index * 8);
  return digest.toString('hex');
};

/** EIP-55: a letter is a capital where the hash of the address has a digit of 8 or more. */
export const mixedCase = (hex: string): string => {
  const hash = keccak256(hex);
  return [...hex].map((digit, index) => (hash.charAt(index) >= '8' ? digit.toUpperCase() : digit)).join('');
};

export const ethereumAddress = (random: Random): string => `0x${mixedCase(randomBytes(random, 20).toString('hex'))}`;

/** All letters are in the other case. */
export const brokenEthereumAddress = (random: Random): string => {
  const right = mixedCase(`beef${randomBytes(random, 18).toString('hex')}`);
  return `0x${[...right].map((digit) => (digit === digit.toLowerCase() ? digit.toUpperCase() : digit.toLowerCase())).join('')}`;
};
