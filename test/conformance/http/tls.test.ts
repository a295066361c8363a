// Connections over TLS: slow heads, slow bodies, clients that take no answers or go away, draining.
import { after, describe } from 'node:test';
import { createNativeHttpServer } from '../../../src/transport/http1/native/native-front.ts';
import { fixedServerTls } from '../../../src/transport/tls/server-tls.ts';
import { selfSigned } from '../support/certificates.ts';
import { peers, programOf } from '../support/peers.ts';
import type { CreateServer } from './http-bench.ts';
import { lifecycleTests } from './lifecycle.ts';

const openssl = programOf(peers.openssl);
const tls = openssl === null ? null : fixedServerTls(await selfSigned({ after }, openssl, '127.0.0.1'));
const create: CreateServer = Object.assign(
  (options: Parameters<CreateServer>[0]) => createNativeHttpServer({ ...options, ...(tls === null ? {} : { tls }) }),
  { secure: true },
);
// For fetch, which cannot be given a certificate.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';

describe('OTLP/HTTP over TLS', { skip: tls === null && peers.openssl.reason }, () => lifecycleTests(create));
