// google.rpc.Status with google.rpc.RetryInfo inside, written and read by hand: the two messages are seven fields.
//   Status    1 int32 code   2 string message   3 repeated google.protobuf.Any details
//   Any       1 string type_url   2 bytes value
//   RetryInfo 1 google.protobuf.Duration retry_delay
//   Duration  1 int64 seconds   2 int32 nanos
import type { GrpcStatus } from './grpc-status.ts';

const retryInfoUrl = Buffer.from('type.googleapis.com/google.rpc.RetryInfo');

/** A refusal that tells the client when to come again (OTLP: retryable only with this). */
export function retryInfoStatus(code: number, message: string, delayMs: number): GrpcStatus {
  const wholeMs = Math.max(0, Math.ceil(delayMs));
  const duration = [...intField(1, Math.floor(wholeMs / 1000)), ...intField(2, (wholeMs % 1000) * 1_000_000)];
  const retryInfo = bytesField(1, Uint8Array.from(duration));
  const any = [...bytesField(1, retryInfoUrl), ...bytesField(2, Uint8Array.from(retryInfo))];
  const status = [
    ...intField(1, code),
    ...bytesField(2, Buffer.from(message, 'utf8')),
    ...bytesField(3, Uint8Array.from(any)),
  ];
  return { code, message, details: Uint8Array.from(status) };
}

/** A google.rpc.Status without details. */
export const encodeStatus = (code: number, message: string): Uint8Array =>
  Uint8Array.from([...intField(1, code), ...bytesField(2, Buffer.from(message, 'utf8'))]);

/** The delay of the first RetryInfo in an encoded google.rpc.Status; undefined where there is none or the bytes lie. */
export function retryDelayOf(details: Uint8Array): number | undefined {
  for (const any of subMessages(details, 3)) {
    const url = subMessages(any, 1)[0];
    if (url === undefined || Buffer.compare(url, retryInfoUrl) !== 0) continue;
    const retryInfo = subMessages(any, 2)[0];
    if (retryInfo === undefined) return undefined;
    const duration = subMessages(retryInfo, 1)[0];
    if (duration === undefined) return 0;
    const delayMs = intOf(duration, 1) * 1000 + Math.ceil(intOf(duration, 2) / 1_000_000);
    // A negative delay is a 64-bit number near 2^64 here: nobody waits that long.
    return Number.isFinite(delayMs) && delayMs < 2 ** 52 ? delayMs : undefined;
  }
  return undefined;
}

/** The message of an encoded google.rpc.Status; '' where there is none. */
export function statusMessageOf(status: Uint8Array): string {
  const text = subMessages(status, 2)[0];
  return text === undefined ? '' : Buffer.from(text).toString('utf8');
}

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
  return out;
}

const intField = (field: number, value: number): number[] => (value === 0 ? [] : [field << 3, ...varint(value)]);
const bytesField = (field: number, value: Uint8Array): number[] => [
  (field << 3) | 2,
  ...varint(value.length),
  ...value,
];

interface Field {
  readonly number: number;
  readonly value: number;
  readonly bytes: Uint8Array | null;
}

/** All fields of a message, up to the first that cannot be read. */
function* fields(message: Uint8Array): Generator<Field> {
  let position = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 10; shift++) {
      if (position >= message.length) return Number.NaN;
      const byte = message[position++];
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  while (position < message.length) {
    const tag = readVarint();
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (wireType === 0) {
      yield { number, value: readVarint(), bytes: null };
    } else if (wireType === 2) {
      const length = readVarint();
      if (!(length <= message.length - position)) return;
      yield { number, value: 0, bytes: message.subarray(position, position + length) };
      position += length;
    } else if (wireType === 1 || wireType === 5) {
      position += wireType === 1 ? 8 : 4;
    } else {
      return;
    }
  }
}

/** The length-delimited fields of that number, up to the first field that cannot be read. */
export function subMessages(message: Uint8Array, number: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const field of fields(message)) if (field.number === number && field.bytes !== null) found.push(field.bytes);
  return found;
}

function intOf(message: Uint8Array, number: number): number {
  let last = 0;
  for (const field of fields(message)) if (field.number === number && field.bytes === null) last = field.value;
  return last;
}
