// Hashes of texts (of their UTF-8 bytes).
import { hash } from 'node:crypto';
import { type OttlValue, type } from '../values.ts';
import { converter, type FunctionDefinition, string } from './define.ts';
import { murmur3Hex32, murmur3Hex128 } from './hash-murmur3.ts';
import { xxh3Hex64, xxh3Hex128 } from './hash-xxh3.ts';

function hashing(
  name: string,
  what: string,
  example: string,
  run: (text: string) => OttlValue,
  returns: number = type.string,
): FunctionDefinition {
  return converter({
    name,
    summary: `The ${what} of the text.`,
    parameters: [string('target')],
    returns,
    examples: [{ text: `${name}("hello world")`, gives: example }],
    run,
  });
}

/** FNV-1a of 64 bits, in two halves: its prime is 2^40 + 435. */
function fnv(text: string): bigint {
  let low = 0x84222325;
  let high = 0xcbf29ce4;
  for (const byte of Buffer.from(text)) {
    low = (low ^ byte) >>> 0;
    const product = low * 435;
    high = (high * 435 + Math.floor(product / 2 ** 32) + low * 256) % 2 ** 32;
    low = product >>> 0;
  }
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
}

export const hashingFunctions: readonly FunctionDefinition[] = [
  hashing('MD5', 'MD5 in lower hex', '"5eb63bbbe01eeed093cb22bb8f5acdc3"', (text) => hash('md5', text)),
  hashing('SHA1', 'SHA-1 in lower hex', '"2aae6c35c94fcfb415dbe95f408b9ce91ee846ed"', (text) => hash('sha1', text)),
  hashing(
    'SHA256',
    'SHA-256 in lower hex',
    '"b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"',
    (text) => hash('sha256', text),
  ),
  hashing(
    'SHA512',
    'SHA-512 in lower hex',
    '"309ecc489c12d6eb4cc40f50c902f2b4d0ed77ee511a7c7a9bcd3ca86d4cd86f989dd35bc5ff499670da34255b45b0cfd830e81f605dcf7dc5542e93ae9cd76f"',
    (text) => hash('sha512', text),
  ),
  hashing('FNV', '64-bit FNV-1a hash', '8618312879776256743', fnv, type.int),
  hashing('Murmur3Hash', '32-bit MurmurHash3 (little-endian hex)', '"0f8f925e"', (text) =>
    murmur3Hex32(Buffer.from(text)),
  ),
  hashing(
    'Murmur3Hash128',
    '128-bit MurmurHash3 (x64, little-endian hex)',
    '"0e617feb46603f53b163eb607d4697ab"',
    (text) => murmur3Hex128(Buffer.from(text)),
  ),
  hashing('XXH3', '64-bit XXH3 (big-endian hex)', '"d447b1ea40e6988b"', (text) => xxh3Hex64(Buffer.from(text))),
  hashing('XXH128', '128-bit XXH3 (big-endian hex)', '"df8d09e93f874900a99b8775cc15b6c7"', (text) =>
    xxh3Hex128(Buffer.from(text)),
  ),
];
