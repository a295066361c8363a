import { createNodeHttpServer } from '../../../src/transport/http1/node-front.ts';
import { httpSuite } from './http-suite.ts';

httpSuite('OTLP/HTTP on node:http', createNodeHttpServer);
