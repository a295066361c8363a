// Cookies that a server sets, sent back to it (RFC 6265, 5): what keeps requests with one instance behind a load balancer. There is
// one host here, so that domains matter only as far as a cookie may be meant for it.
import { isIP } from 'node:net';
import type { HttpTarget } from './target.ts';

/** Go keeps all; a server needs one or two. The oldest give way. */
const mostCookies = 50;
/** 6.1: "At least 4096 bytes per cookie (as measured by the sum of the length of the cookie's name, value, and attributes)." */
const mostCookieBytes = 4096;

interface Cookie {
  readonly value: string;
  readonly path: string;
  readonly isSecure: boolean;
  /** Milliseconds since 1970, or Infinity. */
  readonly endsAt: number;
}

export class CookieJar {
  /** By name and path. */
  readonly #cookies = new Map<string, Cookie>();

  /** `lines`: values of Set-Cookie in an answer of `from`. `now`: milliseconds since 1970. */
  take(lines: readonly string[], from: HttpTarget, now: number): void {
    for (const line of lines) {
      const read = line.length > mostCookieBytes ? null : readCookie(line, from, now);
      if (read === null) continue;
      const { name, cookie } = read;
      const key = `${name} ${cookie.path}`;
      this.#cookies.delete(key);
      if (cookie.endsAt > now) this.#cookies.set(key, cookie);
      const [oldest] = this.#cookies.keys();
      if (this.#cookies.size > mostCookies) this.#cookies.delete(oldest);
    }
  }

  /** Of the header Cookie of a request to `to`; '': none. */
  header(to: HttpTarget, now: number): string {
    const fitting: { readonly pair: string; readonly path: string }[] = [];
    for (const [key, { value, path, isSecure, endsAt }] of this.#cookies) {
      if (endsAt <= now) this.#cookies.delete(key);
      else if (isWithin(to.path, path) && (!isSecure || to.protocol === 'https:')) {
        fitting.push({ pair: `${key.slice(0, key.indexOf(' '))}=${value}`, path });
      }
    }
    // 5.4: "Cookies with longer paths are listed before cookies with shorter paths."
    return fitting
      .toSorted((a, b) => b.path.length - a.path.length)
      .map(({ pair }) => pair)
      .join('; ');
  }
}

/** 5.2; null for one that is none, or not for this host. */
function readCookie(line: string, from: HttpTarget, now: number): { name: string; cookie: Cookie } | null {
  const [pair, ...attributes] = line.split(';');
  const equals = pair.indexOf('=');
  const name = pair.slice(0, Math.max(0, equals)).trim();
  const value = pair.slice(equals + 1).trim();
  // 4.1.1: what a name is, and what would end the header or begin another cookie in a value.
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) || !/^[\x20-\x7e]*$/.test(value)) return null;
  let [path, endsAt, maxAge, isSecure] = [defaultPath(from.path), Number.POSITIVE_INFINITY, Number.NaN, false];
  for (const attribute of attributes) {
    const [key, text = ''] = attribute.split(/=(.*)/s).map((part) => part.trim());
    switch (key.toLowerCase()) {
      case 'expires':
        if (!Number.isNaN(Date.parse(text))) endsAt = Date.parse(text);
        break;
      case 'max-age':
        if (/^-?\d+$/.test(text)) maxAge = Number(text);
        break;
      case 'domain':
        if (text !== '' && !isOfDomain(from.host, text.replace(/^\./, ''))) return null;
        break;
      case 'path':
        if (text.startsWith('/')) path = text;
        break;
      case 'secure':
        isSecure = true;
        break;
    }
  }
  // "If a cookie has both the Max-Age and the Expires attribute, the Max-Age attribute has precedence"
  if (!Number.isNaN(maxAge)) endsAt = maxAge <= 0 ? Number.NEGATIVE_INFINITY : now + maxAge * 1000;
  return { name, cookie: { value, path, isSecure, endsAt } };
}

/** 5.1.3 */
function isOfDomain(host: string, domain: string): boolean {
  const [own, named] = [host.toLowerCase(), domain.toLowerCase()];
  return own === named || (isIP(own) === 0 && own.endsWith(`.${named}`));
}

const withoutQuery = (path: string): string => path.split('?', 1)[0];

/** 5.1.4 */
function defaultPath(requested: string): string {
  const path = withoutQuery(requested);
  return path.startsWith('/') && path.lastIndexOf('/') > 0 ? path.slice(0, path.lastIndexOf('/')) : '/';
}

function isWithin(requested: string, path: string): boolean {
  const own = withoutQuery(requested);
  return own === path || (own.startsWith(path) && (path.endsWith('/') || own[path.length] === '/'));
}
