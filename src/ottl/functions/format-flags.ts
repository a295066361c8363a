// The flags of one directive of Format, and padding by them.

export interface Flags {
  readonly minus: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  /** In characters; -1: none given. */
  readonly width: number;
  /** -1: none given. */
  readonly precision: number;
  /** Of %#v. */
  readonly goSyntax: boolean;
}

export const noFlags: Flags = {
  minus: false,
  plus: false,
  sharp: false,
  space: false,
  zero: false,
  width: -1,
  precision: -1,
  goSyntax: false,
};

/** Up to `width` characters, with zeros only in front. */
export function pad(text: string, { width, minus, zero }: Flags): string {
  if (width <= 0) return text;
  const missing = width - countCharacters(text);
  if (missing <= 0) return text;
  if (minus) return text + ' '.repeat(missing);
  return (zero ? '0' : ' ').repeat(missing) + text;
}

export function padSpaces(text: string, flags: Flags): string {
  return pad(text, flags.zero ? { ...flags, zero: false } : flags);
}

function countCharacters(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) count--;
  }
  return count;
}
