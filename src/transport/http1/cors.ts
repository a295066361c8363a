// Cross-origin requests of browsers (Fetch standard, 3.3), with the rules of the Collector: what is not allowed gets no
// headers, which makes the browser refuse; the request itself is served all the same.

export interface CorsPolicy {
  /** Origins, each with at most one `*` for any characters; `*` alone is every origin. */
  readonly allowedOrigins: readonly string[];
  /** Beside the names that need no leave; `*` is every name. */
  readonly allowedHeaders: readonly string[];
  readonly exposedHeaders: readonly string[];
  /** Seconds for which a browser may remember what it was told; 0: it decides. */
  readonly maxAge: number;
}

export interface Cors {
  /** Header names and values for the answer to a request from `origin` (undefined: it has none). */
  headers(origin: string | undefined): readonly string[];
  /** Header names and values for the answer to what a browser asks before it sends a request. */
  preflight(origin: string | undefined, method: string, headers: string | undefined): readonly string[];
}

/** What a page may send, besides what it may send anywhere. */
const usualHeaders = ['accept', 'content-type', 'x-requested-with'];
const allowedMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST']);
const vary = ['Vary', 'Origin'];
const preflightVary = ['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'];

export function createCors(policy: CorsPolicy): Cors {
  const matches = policy.allowedOrigins.map(originMatcher);
  const isAnyOrigin = policy.allowedOrigins.includes('*');
  const isAnyHeader = policy.allowedHeaders.includes('*');
  const given = policy.allowedHeaders.length === 0 ? usualHeaders : policy.allowedHeaders;
  const names = new Set(given.map((name) => name.toLowerCase()));
  const exposed = policy.exposedHeaders.join(', ');

  const isAllowed = (origin: string): boolean => {
    const lower = origin.toLowerCase();
    return matches.some((match) => match(lower));
  };
  const allowed = (origin: string): string[] => [
    'Access-Control-Allow-Origin',
    isAnyOrigin ? '*' : origin,
    'Access-Control-Allow-Credentials',
    'true',
  ];
  return {
    headers(origin) {
      if (origin === undefined || !isAllowed(origin)) return vary;
      return [...vary, ...allowed(origin), ...(exposed === '' ? [] : ['Access-Control-Expose-Headers', exposed])];
    },
    preflight(origin, method, headers = '') {
      const asked = headers.split(',').map((name) => name.trim().toLowerCase());
      const isFine = asked.every((name) => name === '' || isAnyHeader || names.has(name));
      if (origin === undefined || !isAllowed(origin) || !allowedMethods.has(method) || !isFine) return preflightVary;
      return [
        ...preflightVary,
        ...allowed(origin),
        ...['Access-Control-Allow-Methods', method],
        ...(headers === '' ? [] : ['Access-Control-Allow-Headers', headers]),
        ...(policy.maxAge > 0 ? ['Access-Control-Max-Age', String(policy.maxAge)] : []),
      ];
    },
  };
}

function originMatcher(pattern: string): (origin: string) => boolean {
  const lower = pattern.toLowerCase();
  const star = lower.indexOf('*');
  if (star < 0) return (origin) => origin === lower;
  const [before, after] = [lower.slice(0, star), lower.slice(star + 1)];
  return (origin) =>
    origin.length >= before.length + after.length && origin.startsWith(before) && origin.endsWith(after);
}
