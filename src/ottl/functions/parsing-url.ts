// URLs as Go's net/url understands them (RFC 3986, with its leniencies), split into the attributes of the conventions.
import { fault } from '../error.ts';
import { parseDecimalInt } from '../go-text.ts';
import type { OttlMap, OttlValue } from '../values.ts';

const unreserved = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~';
/** What each part shows as it is when it is written. */
const plainIn = {
  path: new Set(`${unreserved}$&+,/:;=@`),
  fragment: new Set(`${unreserved}$&+,/:;=?@!()*`),
  user: new Set(`${unreserved}$&+,;=`),
  host: new Set(`${unreserved}!$&'()*+,;=:[]<>"`),
} as const;
/** A path or fragment of these stays as it was written. */
const validPath = /^[\w.~$&+,/:;=@!'()*[\]%-]*$/;
const validFragment = /^[\w.~$&+,/:;=?@!'()*[\]%-]*$/;
const validUser = /^[\w.~:!$&'()*+,;=%@-]*$/;

interface Authority {
  readonly host: string;
  readonly user: { readonly name: string; readonly password: string | null } | null;
}

/** Throws OttlFault. */
export function parseUrl(text: string): OttlMap {
  if (text === '') throw fault('the URL is empty');
  if (text.startsWith('?')) return new Map([['query', parseQuery(text.slice(1))]]);
  const hash = text.indexOf('#');
  const whole = hash < 0 ? text : text.slice(0, hash);
  const writtenFragment = hash < 0 ? '' : text.slice(hash + 1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a URL must not have
  if (/[\0-\x1f\x7f]/.test(whole)) throw fault('the URL has a control character');
  const scheme = schemeOf(whole);
  const rest = scheme === '' ? whole : whole.slice(scheme.length + 1);
  const mark = rest.indexOf('?');
  const hierarchy = mark < 0 ? rest : rest.slice(0, mark);
  const query = mark < 0 ? '' : rest.slice(mark + 1);
  const fragment = decodePercent(writtenFragment);
  const tail =
    (mark < 0 ? '' : `?${query}`) + (fragment === '' ? '' : `#${shown(writtenFragment, fragment, 'fragment')}`);
  const prefix = scheme === '' ? '' : `${scheme.toLowerCase()}:`;
  if (!hierarchy.startsWith('/')) {
    if (scheme !== '') {
      return attributesOf({
        original: prefix + hierarchy + tail,
        scheme,
        path: '',
        query,
        fragment,
        authority: nobody,
      });
    }
    if (hierarchy.split('/', 1)[0].includes(':')) throw fault('the first segment of the path of the URL has a colon');
  }
  const hasAuthority = hierarchy.startsWith('//') && (scheme !== '' || !hierarchy.startsWith('///'));
  const slash = hasAuthority ? hierarchy.indexOf('/', 2) : 0;
  const writtenPath = slash < 0 ? '' : hierarchy.slice(slash);
  const authority = hasAuthority ? parseAuthority(hierarchy.slice(2, slash < 0 ? undefined : slash)) : nobody;
  const path = decodePercent(writtenPath);
  const original = prefix + (hasAuthority ? `//${showAuthority(authority)}` : '');
  return attributesOf({
    original: original + shown(writtenPath, path, 'path') + tail,
    scheme,
    path,
    query,
    fragment,
    authority,
  });
}

const nobody: Authority = { host: '', user: null };

/** As written; empty when there is none. */
function schemeOf(text: string): string {
  if (text.startsWith(':')) throw fault('the URL has no scheme before its first colon');
  return /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1] ?? '';
}

function parseAuthority(text: string): Authority {
  const at = text.lastIndexOf('@');
  const host = parseHost(text.slice(at + 1));
  if (at < 0) return { host, user: null };
  const info = text.slice(0, at);
  if (!validUser.test(info)) throw fault('the user of the URL has a character that must be escaped');
  const colon = info.indexOf(':');
  if (colon < 0) return { host, user: { name: decodePercent(info), password: null } };
  return { host, user: { name: decodePercent(info.slice(0, colon)), password: decodePercent(info.slice(colon + 1)) } };
}

/** With its port, unescaped. */
function parseHost(text: string): string {
  const bracket = text.startsWith('[') ? text.lastIndexOf(']') : null;
  if (bracket === -1) throw fault('the host of the URL lacks its closing bracket');
  const port = bracket === null ? portAt(text) : text.slice(bracket + 1);
  if (!/^(:\d*)?$/.test(port)) throw fault('the port of the URL is not a number');
  const zone = bracket === null ? -1 : text.indexOf('%25');
  if (bracket === null || zone < 0 || zone > bracket) return unescapeHost(text);
  return (
    unescapeHost(text.slice(0, zone)) + decodePercent(text.slice(zone, bracket)) + unescapeHost(text.slice(bracket))
  );
}

/** From the last colon on. */
function portAt(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon < 0 ? '' : host.slice(colon);
}

/** Only what is not ASCII may be escaped in a host. */
function unescapeHost(text: string): string {
  for (const c of text) {
    if (c < '\x80' && c !== '%' && !plainIn.host.has(c))
      throw fault('the host of the URL has a character that no host has');
  }
  if (/%(?!25|[89a-f])/i.test(text)) throw fault('the host of the URL has an escape that no host has');
  return decodePercent(text);
}

/** %41 -> A. Throws OttlFault. */
function decodePercent(text: string): string {
  if (!text.includes('%')) return text;
  if (/%(?![0-9a-f]{2})/i.test(text)) throw fault('the URL has a % without two hex digits');
  const source = Buffer.from(text);
  const out = Buffer.allocUnsafe(source.length);
  let length = 0;
  for (let i = 0; i < source.length; i++) {
    if (source[i] === 0x25) {
      out[length++] = Number.parseInt(source.toString('latin1', i + 1, i + 3), 16);
      i += 2;
    } else out[length++] = source[i];
  }
  return out.toString('utf8', 0, length);
}

function encodePercent(text: string, part: keyof typeof plainIn): string {
  const plain = plainIn[part];
  let out = '';
  for (const c of text) {
    if (plain.has(c)) out += c;
    else for (const byte of Buffer.from(c)) out += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

function shown(written: string, value: string, part: 'path' | 'fragment'): string {
  return (part === 'path' ? validPath : validFragment).test(written) ? written : encodePercent(value, part);
}

function showUser({ name, password }: NonNullable<Authority['user']>): string {
  return encodePercent(name, 'user') + (password === null ? '' : `:${encodePercent(password, 'user')}`);
}

function showAuthority({ host, user }: Authority): string {
  return (user === null ? '' : `${showUser(user)}@`) + encodePercent(host, 'host');
}

interface Parts {
  readonly original: string;
  readonly scheme: string;
  readonly path: string;
  readonly query: string;
  readonly fragment: string;
  readonly authority: Authority;
}

function attributesOf({ original, scheme, path, query, fragment, authority }: Parts): OttlMap {
  const { host, user } = authority;
  const written = portAt(host);
  const hasPort = /^:\d*$/.test(written);
  const name = hasPort ? host.slice(0, -written.length) : host;
  const map = new Map<string, OttlValue>([
    ['url.original', original],
    ['url.domain', name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name],
    ['url.scheme', scheme.toLowerCase()],
    ['url.path', path],
  ]);
  if (hasPort && written !== ':') {
    const port = parseDecimalInt(written.slice(1));
    if (port === null) throw fault('the port of the URL is too large');
    map.set('url.port', port);
  }
  if (fragment !== '') map.set('url.fragment', fragment);
  if (user !== null) {
    map.set('url.user_info', showUser(user));
    if (user.name !== '') map.set('url.username', user.name);
    if (user.password !== null) map.set('url.password', user.password);
  }
  if (query !== '') map.set('url.query', query);
  const dot = path.lastIndexOf('.');
  if (dot >= 0 && dot < path.length - 1) map.set('url.extension', path.slice(dot + 1));
  return map;
}

/** Of a text that is a query alone: the values of each key. Throws OttlFault. */
function parseQuery(text: string): OttlMap {
  const values = new Map<string, string[]>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    if (pair.includes(';')) throw fault('the query of the URL has a semicolon');
    const equals = pair.indexOf('=');
    const [key, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    const name = decodePercent(key.replaceAll('+', ' '));
    const known = values.get(name);
    const read = decodePercent(value.replaceAll('+', ' '));
    if (known === undefined) values.set(name, [read]);
    else known.push(read);
  }
  return values;
}
