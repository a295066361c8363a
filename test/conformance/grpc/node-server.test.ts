// The server on node:http2, through the suite that every server has to pass.
import { createNodeGrpcServer } from '../../../src/transport/node/grpc-server.ts';
import { serverSuite } from './server-suite.ts';

serverSuite('gRPC server on node:http2', createNodeGrpcServer);
