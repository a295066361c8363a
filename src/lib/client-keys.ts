// Keys of client metadata that stand for something else than a header of the request. One set of names for all who read
// metadata: extensions that set headers, processors and their rules, and what keeps batches apart.

const credentialPrefix = 'auth.';
const grpcPrefix = 'grpc.';

/** The client's host, without a port. */
export const clientAddressKey = 'client.address';
/** The client's address as the Collector has it: host and port over gRPC, the host alone over HTTP. */
export const peerKey = 'client.addr';

/** The key of what the receiver's authenticator knows of a client; `attribute`: by the Collector's names, such as `username`. */
export const credentialKey = (attribute: string): string => `${credentialPrefix}${attribute}`;

/** The attribute that a key stands for; null: it is another key. */
export const credentialAttribute = (key: string): string | null =>
  key.startsWith(credentialPrefix) ? key.slice(credentialPrefix.length) : null;

/** The key of a header, lower case, of requests that came over gRPC. */
export const grpcMetadataKey = (header: string): string => `${grpcPrefix}${header}`;

/** The header that a key of `grpcMetadataKey` stands for; null: it is another key. */
export const grpcHeader = (key: string): string | null =>
  key.startsWith(grpcPrefix) ? key.slice(grpcPrefix.length) : null;

/**
 * Id of the connector that a request came through; none for one that came from a client: no header has such a name. Only a
 * gate asks, where its pipeline receives from others too.
 */
export const connectorKey = 'connector id';
