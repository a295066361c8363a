// The base 64 of crypt(3): its own alphabet, and of each group of three bytes the low six bits first.

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Bytes in the order in which the format takes them, the high one of a group first; a last group of 1 or 2 is the low end. */
export function crypt64(bytes: readonly number[]): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = bytes.slice(at, at + 3);
    let bits = group.reduce((sum, byte) => sum * 256 + byte, 0);
    // 3 bytes are 4 characters, 2 are 3, 1 is 2.
    for (let i = 0; i <= group.length; i++) {
      text += alphabet[bits & 63];
      bits >>= 6;
    }
  }
  return text;
}
