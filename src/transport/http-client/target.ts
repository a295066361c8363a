// Where requests go: a URL, or a unix socket.

export interface HttpTarget {
  readonly protocol: 'http:' | 'https:';
  /** Name or address, without the brackets of IPv6; `localhost` for a unix socket. */
  readonly host: string;
  readonly port: number;
  /** Of a unix socket; null: host and port. */
  readonly socketPath: string | null;
  /** With the query, as it stands in the request line. */
  readonly path: string;
  /** `user:password` of the URL, decoded; '' where it has none. */
  readonly credentials: string;
}

const defaultPorts = { 'http:': 80, 'https:': 443 } as const;

/** null unless the text is `http://…`, `https://…` or `unix:///path/to/socket`. */
export function parseHttpTarget(text: string): HttpTarget | null {
  const trimmed = text.trim();
  if (trimmed.startsWith('unix:///')) {
    const socketPath = trimmed.slice('unix://'.length);
    if (socketPath.length < 2) return null;
    return { protocol: 'http:', host: 'localhost', port: 80, socketPath, path: '/', credentials: '' };
  }
  if (!/^https?:\/\//i.test(trimmed) || !URL.canParse(trimmed)) return null;
  return targetOf(new URL(trimmed));
}

/** null for another protocol than HTTP, and for userinfo that is not percent-encoded. */
export function targetOf(url: URL): HttpTarget | null {
  const { protocol, hostname, port, pathname, search } = url;
  if (protocol !== 'http:' && protocol !== 'https:') return null;
  try {
    const named = url.username !== '' || url.password !== '';
    return {
      protocol,
      host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
      port: port === '' ? defaultPorts[protocol] : Number(port),
      socketPath: null,
      path: pathname + search,
      credentials: named ? `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` : '',
    };
  } catch {
    return null;
  }
}

/** The target with `suffix` (`/v1/traces`) behind its path. */
export function below(target: HttpTarget, suffix: string): HttpTarget {
  const query = target.path.indexOf('?');
  const path = query < 0 ? target.path : target.path.slice(0, query);
  const rest = query < 0 ? '' : target.path.slice(query);
  return { ...target, path: path.replace(/\/$/, '') + suffix + rest };
}

/** `host:port` as the Host field has it. */
export function authorityOf({ protocol, host, port }: HttpTarget): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === defaultPorts[protocol] ? name : `${name}:${port}`;
}

/** For people: without credentials and query, where keys may stand. */
export function shownTarget(target: HttpTarget): string {
  if (target.socketPath !== null) return `unix://${target.socketPath}`;
  return `${target.protocol}//${authorityOf(target)}${target.path.split('?', 1)[0]}`;
}

/**
 * Where an answer with `location` (RFC 9110 10.2.2) sends a request that came from `from`, or why it is not sent there: it
 * carries spans and keys that are meant for one host.
 */
export function redirected(from: HttpTarget, location: string | undefined): HttpTarget | string {
  if (location === undefined) return 'a redirect that does not say where to';
  const base = `${from.protocol}//${authorityOf(from)}${from.path}`;
  const to = URL.canParse(location, base) ? targetOf(new URL(location, base)) : null;
  if (to === null) return 'a redirect to something that is no HTTP address';
  const shown = shownTarget(to);
  if (to.host !== from.host) return `a redirect to another host, ${shown}: name it in the endpoint if it is right`;
  if (from.protocol === 'https:' && to.protocol === 'http:') return `a redirect to ${shown}, which is not encrypted`;
  if (from.socketPath === null) return { ...to, credentials: from.credentials };
  if (to.protocol !== from.protocol || to.port !== from.port) return `a redirect away from the socket, to ${shown}`;
  return { ...from, path: to.path };
}
