// Steps over the fields of protobuf messages that lie in one piece. Every length is compared with the end of the message
// that holds the field before anything is read, and what is not protobuf ends in a SpanmillError OTLP_PROTOBUF.
import { SpanmillError } from '../../errors.ts';
import { describeWireCode, type WireCode, wireCode } from '../codes.ts';
import { wireType } from '../schema.ts';

/** The fields of the message at from … end, one after another. */
export class Fields {
  /** Number of the current field. */
  number = 0;
  wire = 0;
  /** Where the field begins, with its tag. */
  fieldStart = 0;
  /** Payload of a length-delimited field; of any other the value's bytes. The field ends where its payload does. */
  start = 0;
  end = 0;
  readonly #bytes: Uint8Array;
  readonly #limit: number;
  #at: number;

  constructor(bytes: Uint8Array, from: number, end: number) {
    this.#bytes = bytes;
    this.#limit = end;
    this.#at = from;
    this.end = from;
  }

  /** False: there is no further field. */
  next(): boolean {
    if (this.#at >= this.#limit) return false;
    this.fieldStart = this.#at;
    const tag = this.#tag();
    this.number = tag >>> 3;
    this.wire = tag & 7;
    this.#payload();
    return true;
  }

  /** Goes on at `to`, the end of a field of this message. */
  jump(to: number): void {
    this.#at = to;
    this.end = to;
  }

  /** Throws unless the field is length-delimited. */
  expectBytes(): void {
    if (this.wire !== wireType.bytes) throw malformed(wireCode.badWireType, this.fieldStart);
  }

  #tag(): number {
    const first = this.#bytes[this.#at];
    if (first > 7 && first < 128 && (first & 7) <= 5 && (first & 7) !== 3 && (first & 7) !== 4) {
      this.#at++;
      return first;
    }
    const from = this.#at;
    const tag = this.#varint();
    const wire = tag % 8;
    if (tag > 0xffffffff || this.#at - from > 5 || tag < 8 || wire > 5) throw malformed(wireCode.badTag, from);
    if (wire === 3 || wire === 4) throw malformed(wireCode.group, from);
    return tag;
  }

  #payload(): void {
    const from = this.#at;
    switch (this.wire) {
      case wireType.varint:
        this.#varint();
        break;
      case wireType.bytes: {
        const length = this.#varint();
        if (length > this.#limit - this.#at) throw malformed(wireCode.badLength, from);
        this.start = this.#at;
        this.#at += length;
        this.end = this.#at;
        return;
      }
      default: {
        const width = this.wire === wireType.fixed64 ? 8 : 4;
        if (this.#limit - from < width) throw malformed(wireCode.truncated, from);
        this.#at = from + width;
      }
    }
    this.start = from;
    this.end = this.#at;
  }

  /** Exact up to 2^53, and only as a bound above that. */
  #varint(): number {
    const bytes = this.#bytes;
    const from = this.#at;
    let value = 0;
    let scale = 1;
    for (let p = from; p < this.#limit; p++) {
      const byte = bytes[p];
      if (p - from === 9 && byte > 1) throw malformed(wireCode.badVarint, from);
      value += (byte & 127) * scale;
      if (byte < 128) {
        this.#at = p + 1;
        return value;
      }
      scale *= 128;
    }
    throw malformed(wireCode.truncated, from);
  }
}

/** `offset`: from the start of the message. */
export function malformed(code: WireCode, offset: number): SpanmillError {
  return new SpanmillError('OTLP_PROTOBUF', describeWireCode(code, offset));
}
