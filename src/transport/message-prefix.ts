// The prefix of a gRPC message: 1 byte compressed flag, 4 bytes length, big endian.
export const messagePrefixBytes = 5;

/** A message that is not compressed, with its prefix. */
export function framedMessage(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(messagePrefixBytes + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, messagePrefixBytes);
  return framed;
}
