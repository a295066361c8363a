// Endpoints of clients, as the Collector's configgrpc takes them.

export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly secure: boolean | null }
  | { readonly kind: 'unix'; readonly path: string; readonly secure: null }
  /** Left to @grpc/grpc-js's resolvers. */
  | { readonly kind: 'dns'; readonly target: string; readonly secure: null };

/** gRPC's default where an address names no port. */
const defaultPort = 443;

/** null when it is none of the known forms. `secure`: what the scheme demands, null where it says nothing. */
export function parseEndpoint(endpoint: string): Endpoint | null {
  const text = endpoint.trim();
  if (text.startsWith('dns://')) return { kind: 'dns', target: text, secure: null };
  // grpc-go: the address as it stands, for whatever dials it.
  if (text.startsWith('passthrough:///')) return parseEndpoint(text.slice('passthrough:///'.length));
  if (text.startsWith('unix:')) {
    // grpc/grpc doc/naming.md: unix:path or unix:///absolute/path
    const path = text.startsWith('unix://') ? text.slice('unix://'.length) : text.slice('unix:'.length);
    return path === '' ? null : { kind: 'unix', path: socketName(path), secure: null };
  }
  const scheme = /^(https?):\/\//i.exec(text);
  const secure = scheme === null ? null : scheme[1].toLowerCase() === 'https';
  // A path after the address means nothing to gRPC; the Collector's own examples have a slash there.
  const address = text.slice(scheme === null ? 0 : scheme[0].length).replace(/\/$/, '');
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^:/\s[\]]+))(?::(\d{1,5}))?$/.exec(address);
  if (match === null) return null;
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  if (port > 65_535) return null;
  return { kind: 'tcp', host: match[1] ?? match[2], port, secure };
}

/** Of a unix socket: as in Go `@` begins a name that is in no file system (Linux, unix(7): abstract). */
export const socketName = (path: string): string => (path.startsWith('@') ? `\0${path.slice(1)}` : path);

/** `host:port` as :authority has it. */
export function authorityOf(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return 'localhost';
  if (endpoint.kind === 'dns') return endpoint.target.replace(/^dns:\/\/[^/]*\//, '');
  return `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}
