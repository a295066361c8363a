// Both client transports show the same behaviour, by the same suite, against the same servers.
import { createGrpcJsClient } from '../../../src/transport/grpc-js/grpc-client.ts';
import { createNodeGrpcClient } from '../../../src/transport/node/grpc-client.ts';
import { clientSuite } from './client-suite.ts';

clientSuite('gRPC client on node:http2', createNodeGrpcClient);
clientSuite('gRPC client on @grpc/grpc-js', createGrpcJsClient);
