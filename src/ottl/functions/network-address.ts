// Addresses and networks of IP, as Go's net package reads them. An IPv4 address written as IPv6 is an IPv4 address.

/** 4 or 16 bytes. null: not an address. */
export function parseAddress(text: string): Uint8Array | null {
  if (text.length > 45) return null;
  if (!text.includes(':')) return parseV4(text);
  const bytes = parseV6(text);
  return bytes !== null && isMapped(bytes) ? bytes.subarray(12) : bytes;
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
}

function parseV4(text: string): Uint8Array | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return null;
  return Uint8Array.from(parts, Number);
}

function parseV6(text: string): Uint8Array | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [front, back] = halves.map((half, i) => groups(half, i === halves.length - 1));
  if (front === null || back === null) return null;
  if (back === undefined) return front.length === 16 ? Uint8Array.from(front) : null;
  if (front.length + back.length > 14) return null;
  const bytes = new Uint8Array(16);
  bytes.set(front);
  bytes.set(back, 16 - back.length);
  return bytes;
}

/** Groups of hex digits as bytes; the last may be an IPv4 address. */
function groups(text: string, mayEndInV4: boolean): number[] | null {
  if (text === '') return [];
  const bytes: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      const value = Number.parseInt(part, 16);
      bytes.push(value >> 8, value & 255);
      continue;
    }
    const v4 = mayEndInV4 && i === parts.length - 1 ? parseV4(part) : null;
    if (v4 === null) return null;
    bytes.push(...v4);
  }
  return bytes;
}

export interface Network {
  readonly address: Uint8Array;
  readonly prefixBits: number;
}

/** `10.0.0.0/8`. null: not a network. */
export function parseNetwork(text: string): Network | null {
  const [, host, digits] = /^([^/]{1,45})\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  if (host === undefined) return null;
  const bytes = host.includes(':') ? parseV6(host) : parseV4(host);
  const prefixBits = Number(digits);
  if (bytes === null || prefixBits > bytes.length * 8) return null;
  if (bytes.length === 16 && prefixBits >= 96 && isMapped(bytes)) {
    return { address: bytes.subarray(12), prefixBits: prefixBits - 96 };
  }
  return { address: bytes, prefixBits };
}

export function contains({ address, prefixBits }: Network, other: Uint8Array): boolean {
  if (address.length !== other.length) return false;
  const whole = prefixBits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== other[i]) return false;
  const rest = prefixBits & 7;
  return rest === 0 || (address[whole] ^ other[whole]) >> (8 - rest) === 0;
}
