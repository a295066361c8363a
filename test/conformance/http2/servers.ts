// The servers that the tests of this folder are run against.
import { createHttp2GrpcServer } from '../../../src/transport/http2/grpc-server.ts';
import { createNodeGrpcServer } from '../../../src/transport/node/grpc-server.ts';
import type { StartServer } from '../grpc/server-bench.ts';

/** On node:http2: what the other one is compared with. */
export const oracle: StartServer = createNodeGrpcServer;
/** The intake of our own. */
export const ours: StartServer = createHttp2GrpcServer;
