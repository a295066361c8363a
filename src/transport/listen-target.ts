// Addresses that servers listen on, as Go's net.Listen takes them.
import { socketName } from './endpoint.ts';
import type { ListenTarget } from './grpc-server.ts';

/** null when the endpoint is not `host:port`, `:port` or `[address]:port`, or for unix a path. */
export function parseListenTarget(endpoint: string, transport: 'tcp' | 'tcp4' | 'tcp6' | 'unix'): ListenTarget | null {
  if (transport === 'unix') {
    // Go takes what a client would write for the name of a file, which then cannot be made.
    return endpoint === '' || endpoint.startsWith('unix:') ? null : { kind: 'unix', path: socketName(endpoint) };
  }
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^:\s[\]/]*)):(\d{1,5})$/.exec(endpoint);
  if (match === null) return null;
  const port = Number(match[3]);
  if (port > 65_535) return null;
  const family = transport === 'tcp4' ? 4 : transport === 'tcp6' ? 6 : 0;
  return { kind: 'tcp', host: match[1] ?? match[2], port, family };
}
