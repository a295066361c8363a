// Configurations that work, and let more people in than their authors may think of. For `advise` of definitions.
import type { ConfigIssue } from './definition.ts';

type Path = readonly (string | number)[];

/** Of `host:port`, `:port`, `[address]:port`, also behind a scheme. */
const hostOf = (endpoint: string): string => {
  const [, bracketed, plain] = /^(?:[a-z]+:\/\/)?(?:\[([^\]]*)\]|([^:/]*))/i.exec(endpoint.trim()) ?? [];
  return (bracketed ?? plain ?? '').toLowerCase();
};

const isLoopbackHost = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);

/** '': Go listens on all addresses then. */
const isEveryAddress = (host: string): boolean => ['', '0.0.0.0', '::', '0:0:0:0:0:0:0:0'].includes(host);

export interface Listening {
  readonly endpoint: string;
  readonly transport: string;
  readonly tls?: object | undefined;
  readonly auth?: object | undefined;
}

/** `path`: of the block that holds the endpoint. */
export function adviseListening({ endpoint, transport, tls, auth }: Listening, path: Path): ConfigIssue[] {
  const host = hostOf(endpoint);
  if (transport === 'unix' || tls !== undefined || isLoopbackHost(host)) return [];
  const warn = (message: string): ConfigIssue[] => [{ path: [...path, 'endpoint'], code: 'CONFIG_EXPOSED', message }];
  if (auth !== undefined) return warn('without tls the credentials of clients cross the network as plain text');
  if (!isEveryAddress(host)) return [];
  return warn(
    'is every address of this machine, without tls and auth: whoever reaches it may send; name one address, or set them',
  );
}

/** Credentials of an exporter; `isPlainText`: it uses no TLS. */
export function adviseCredentials(endpoint: string, isPlainText: boolean, path: Path): ConfigIssue[] {
  const isNear = /^unix:/i.test(endpoint.trim()) || isLoopbackHost(hostOf(endpoint));
  if (!isPlainText || isNear) return [];
  const message = 'without TLS the credentials cross the network as plain text';
  return [{ path, code: 'CONFIG_EXPOSED', message }];
}
