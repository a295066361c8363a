// HTTP/2 frames: the numbers of RFC 9113 sections 6, 7 and 11, and frames in bytes. Knows no connection and no stream.
//
//   frame = length(24) type(8) flags(8) reserved(1) stream(31) payload                                   (section 4.1)

/** Section 6, each in its own subsection. */
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** Section 6.5.2. */
export const setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** Section 7. */
export const errorCode = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  connectError: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const;

export const frameHeaderBytes = 9;
/** Section 3.4: what a client sends first, before its SETTINGS. */
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** What both sides start with until SETTINGS say otherwise (section 6.5.2). */
export const defaultWindow = 65_535;
export const defaultMaxFrame = 16_384;
export const largestWindow = 0x7fff_ffff;
/** Section 6.5.2: "between this initial value and the maximum allowed frame size (2^24-1 or 16,777,215 octets), inclusive". */
export const largestMaxFrame = 0xff_ffff;

/** Writes the nine bytes of a frame header at `at`. */
export function writeFrameHeader(
  to: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): void {
  to[at] = length >>> 16;
  to[at + 1] = length >>> 8;
  to[at + 2] = length;
  to[at + 3] = type;
  to[at + 4] = flags;
  to[at + 5] = stream >>> 24;
  to[at + 6] = stream >>> 16;
  to[at + 7] = stream >>> 8;
  to[at + 8] = stream;
}

/** 32 bits, big endian, unsigned. */
export const readUint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;

/** A stream identifier, a window increment: 31 bits; "the reserved bit MUST be ignored when receiving" (section 4.1). */
export const readUint31 = (bytes: Uint8Array, at: number): number => readUint32(bytes, at) & 0x7fff_ffff;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(frameHeaderBytes + payload.length);
  writeFrameHeader(bytes, 0, payload.length, type, flags, stream);
  bytes.set(payload, frameHeaderBytes);
  return bytes;
}

/** A SETTINGS frame from pairs of identifier and value. */
export function settingsFrame(entries: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(entries.length * 6);
  entries.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  });
  return frame(frameType.settings, 0, 0, payload);
}

export function windowUpdateFrame(stream: number, increment: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(increment, 0);
  return frame(frameType.windowUpdate, 0, stream, payload);
}

export function rstStreamFrame(stream: number, code: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code, 0);
  return frame(frameType.rstStream, 0, stream, payload);
}

/** `text`: for whoever debugs the client. */
export function goawayFrame(lastStream: number, code: number, text = ''): Buffer {
  const payload = Buffer.alloc(8 + Buffer.byteLength(text));
  payload.writeUInt32BE(lastStream, 0);
  payload.writeUInt32BE(code, 4);
  payload.write(text, 8);
  return frame(frameType.goaway, 0, 0, payload);
}

export const settingsAck = frame(frameType.settings, flag.ack, 0, new Uint8Array(0));
