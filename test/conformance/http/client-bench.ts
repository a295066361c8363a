// The real service with OTLP/HTTP as users secure it, before a backend that knows which spans of which service came.
import type { TestContext } from 'node:test';
import { decodeRequest } from '../../../src/wire/reference/codec.ts';
import { configOf, exportTo } from '../../e2e/support/config.ts';
import { type Service, startService } from '../../e2e/support/service.ts';
import { type Sink, startSink } from '../../e2e/support/sink.ts';
import { makeAuthority, makeCertificate, makeFolder } from '../../unit/transport/tls/certificates.ts';

export type Security = 'plain' | 'TLS' | 'TLS and a token';
export const securities: readonly Security[] = ['plain', 'TLS', 'TLS and a token'];
export const token = 'let-me-in-7';

export interface Bench {
  readonly service: Service;
  readonly sink: Sink;
  /** `127.0.0.1:port` of the http protocol. */
  readonly address: string;
  /** With /v1/traces. */
  readonly url: string;
  /** The authority's certificate; '' without TLS. */
  readonly caFile: string;
  readonly ca: string;
  /** '' where none is wanted. */
  readonly token: string;
  /** Names of the spans of a service (its resource attribute service.name) that arrived, in order. */
  names(serviceName: string): string[];
  /** Resolves when so many spans of the service have come. */
  arrived(serviceName: string, count: number): Promise<void>;
}

/** `more`: of the http protocol. */
export async function startBench(t: TestContext, security: Security, more: object = {}): Promise<Bench> {
  const sink = await startSink(t);
  const folder = makeFolder(t);
  const authority = makeAuthority('ca.example');
  const own = makeCertificate('127.0.0.1', { by: authority });
  folder.write('ca.pem', authority.cert);
  folder.write('cert.pem', own.cert);
  folder.write('key.pem', own.key);
  folder.write('token', `${token}\n`);
  const isSecure = security !== 'plain';
  const wantsToken = security === 'TLS and a token';
  const base = configOf({
    processors: { batch: { timeout: '5ms' } },
    exporters: { otlp: exportTo(sink) },
    extensions: wantsToken ? { bearertokenauth: { filename: folder.path('token') } } : {},
  });
  const http = {
    endpoint: '127.0.0.1:0',
    ...(isSecure ? { tls: { cert_file: folder.path('cert.pem'), key_file: folder.path('key.pem') } } : {}),
    ...(wantsToken ? { auth: { authenticator: 'bearertokenauth' } } : {}),
    ...more,
  };
  const service = await startService(t, {
    ...base,
    receivers: { otlp: { protocols: { grpc: { endpoint: '127.0.0.1:0' }, http } } },
  });
  const { listening } = (await service.line(({ msg }) => msg === 'spanmill is ready')) as { listening?: string[] };
  const address = listening?.find((text) => text.startsWith('http '))?.slice('http '.length) ?? '';
  const names = (serviceName: string): string[] =>
    sink.exports
      .flatMap(({ message }) => decodeRequest(message).resourceSpans)
      .filter(({ resource }) =>
        resource?.attributes.some(({ key, value }) => key === 'service.name' && value?.stringValue === serviceName),
      )
      .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(({ name }) => name)));
  return {
    service,
    sink,
    address,
    url: `${isSecure ? 'https' : 'http'}://${address}/v1/traces`,
    caFile: isSecure ? folder.path('ca.pem') : '',
    ca: isSecure ? authority.cert : '',
    token: wantsToken ? token : '',
    names,
    arrived: (serviceName, count) => sink.until(() => names(serviceName).length >= count),
  };
}
