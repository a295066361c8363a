// From the options of a client to what its implementations want.
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { SpanmillError } from '../../src/errors.ts';
import type { SocketTarget, SocketTls } from '../h2/open-socket.ts';
import type { ClientOptions } from './client.ts';

export const exportPath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

export function socketTarget({ endpoint, tls }: ClientOptions): SocketTarget {
  return { host: endpoint.host, port: endpoint.port, tls: endpoint.tls ? socketTls(tls) : null };
}

function socketTls({ ca, cert, key, serverName, insecureSkipVerify }: ClientOptions['tls']): SocketTls {
  return {
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
    ...(serverName === null ? {} : { serverName }),
    insecureSkipVerify,
  };
}

/** Names that the client itself must set, or that say what only it can know. */
const reserved = /^(?::.*|grpc-.*|te|host|connection|transfer-encoding|content-(?:type|length|encoding))$/;

/** The headers to send, names in lower case. Throws SpanmillError USAGE. */
export function headersOf({ headers }: ClientOptions): [name: string, value: string][] {
  return headers.map(([name, value]) => {
    const key = name.toLowerCase();
    if (reserved.test(key)) throw new SpanmillError('USAGE', `the header ${key} is the client's own to set`);
    try {
      validateHeaderName(key);
      validateHeaderValue(key, value);
    } catch (error) {
      throw new SpanmillError('USAGE', `not a header: ${JSON.stringify(name)}`, { cause: error });
    }
    return [key, value];
  });
}
