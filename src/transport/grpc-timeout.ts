// The grpc-timeout header: "Timeout → grpc-timeout TimeoutValue TimeoutUnit; TimeoutValue → positive integer as ASCII
// string of at most 8 digits; TimeoutUnit → H / M / S / m / u / n" (PROTOCOL-HTTP2.md).

/** Milliseconds, or NaN when it is not a grpc-timeout. */
export function parseGrpcTimeout(value: string): number {
  const digits = value.length - 1;
  if (digits < 1 || digits > 8) return Number.NaN;
  let amount = 0;
  for (let i = 0; i < digits; i++) {
    const digit = value.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    amount = amount * 10 + digit;
  }
  switch (value[digits]) {
    case 'H':
      return amount * 3_600_000;
    case 'M':
      return amount * 60_000;
    case 'S':
      return amount * 1000;
    case 'm':
      return amount;
    case 'u':
      return amount / 1000;
    case 'n':
      return amount / 1_000_000;
    default:
      return Number.NaN;
  }
}

/** In the finest unit that eight digits can hold; at least 1 ms. */
export function formatGrpcTimeout(timeoutMs: number): string {
  const ms = Math.max(1, Math.ceil(timeoutMs));
  if (ms <= 99_999_999) return `${ms}m`;
  const seconds = Math.ceil(ms / 1000);
  return seconds <= 99_999_999 ? `${seconds}S` : '99999999S';
}
