// Cookies that a server sets, sent back to it: what keeps requests with one instance behind a load balancer. Of tough-cookie, which
// has its list of domains in memory, and so is loaded only where somebody asks for cookies.
import { createRequire } from 'node:module';
import { authorityOf, type HttpTarget } from './target.ts';

const load = createRequire(import.meta.url);

/** A server needs one or two: one that sets more without end begins anew. */
const mostCookies = 50;
/** RFC 6265 6.1: "At least 4096 bytes per cookie (as measured by the sum of the length of the cookie's name, value, and attributes)." */
const mostCookieBytes = 4096;

export interface Cookies {
  /** `lines`: values of Set-Cookie in an answer of `from`. What is no cookie, or not for this host, is left out. */
  take(lines: readonly string[], from: HttpTarget): void;
  /** Of the header Cookie of a request to `to`; '': none. */
  header(to: HttpTarget): string;
}

const urlOf = (target: HttpTarget): string => `${target.protocol}//${authorityOf(target)}${target.path}`;

export function createCookies(): Cookies {
  const { CookieJar }: typeof import('tough-cookie') = load('tough-cookie');
  const jar = new CookieJar();
  return {
    take(lines, from) {
      for (const line of lines) {
        if (line.length > mostCookieBytes) continue;
        jar.setCookieSync(line, urlOf(from), { ignoreError: true });
        if ((jar.serializeSync()?.cookies.length ?? 0) > mostCookies) jar.removeAllCookiesSync();
      }
    },
    header: (to) => jar.getCookieStringSync(urlOf(to)),
  };
}
