import { createNativeHttpServer } from '../../../src/transport/http1/native/native-front.ts';
import { httpSuite } from './http-suite.ts';

httpSuite('OTLP/HTTP on HTTP/1.1 of our own', createNativeHttpServer);
