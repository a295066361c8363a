// The cases of h2spec that a server does not pass, each with its reason. A case that fails and is not here fails the test, and so
// does one that is here and passes. The key is the section and the case as h2spec's report names them.

export interface H2specException {
  /** `varies`: it depends on what the server does first, and only its reason is kept. */
  readonly outcome: 'failed' | 'skipped' | 'varies';
  readonly reason: string;
}

const noBody: H2specException = {
  outcome: 'skipped',
  reason:
    'h2spec asks with GET, and takes a flow-control case only where the answer has a body: gRPC refuses GET without one',
};
const noBodyWaited: H2specException = {
  outcome: 'failed',
  reason: 'waits for a body in the answer to GET, which gRPC refuses without one',
};
const forgotten: H2specException = {
  outcome: 'failed',
  reason: 'nghttp2 forgets a stream when it closes, and ignores what comes for it afterwards (RFC 9113 5.1 lets it)',
};
const answeredFirst: H2specException = {
  outcome: 'varies',
  reason: 'passes where the frame comes before the answer is out; afterwards nghttp2 has forgotten the stream',
};
const priorityIgnored: H2specException = {
  outcome: 'failed',
  reason: 'the nghttp2 in Node ignores PRIORITY frames whatever is in them',
};

export const nodeExceptions: Readonly<Record<string, H2specException>> = {
  'generic/2 Sends a WINDOW_UPDATE frame on half-closed (remote) stream': noBodyWaited,
  'generic/2 Sends a PRIORITY frame on half-closed (remote) stream': noBodyWaited,
  'http2/5.1 half closed (remote): Sends a DATA frame': answeredFirst,
  'http2/5.1 half closed (remote): Sends a HEADERS frame': answeredFirst,
  'http2/5.1 closed: Sends a DATA frame after sending RST_STREAM frame': forgotten,
  'http2/5.1 closed: Sends a HEADERS frame after sending RST_STREAM frame': forgotten,
  'http2/5.1 closed: Sends a DATA frame': forgotten,
  'http2/5.1 closed: Sends a HEADERS frame': forgotten,
  'http2/5.1.1 Sends stream identifier that is numerically smaller than previous': forgotten,
  'http2/5.1.2 Sends HEADERS frames that causes their advertised concurrent stream limit to be exceeded': {
    outcome: 'failed',
    reason: 'holds the streams open by a window of 0, but a refused GET is answered in headers alone and is over',
  },
  'http2/5.3.1 Sends PRIORITY frame that depend on itself': priorityIgnored,
  'http2/6.3 Sends a PRIORITY frame with 0x0 stream identifier': priorityIgnored,
  'http2/6.5.3 Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE': noBody,
  'http2/6.7 Sends a PING frame with ACK': {
    outcome: 'failed',
    reason: 'Node ends a connection that answers a PING it did not send',
  },
  'http2/6.9.1 Sends SETTINGS frame to set the initial window size to 1 and sends HEADERS frame': noBody,
  'http2/6.9.1 Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream': {
    outcome: 'failed',
    reason: 'nghttp2 makes the stream error a connection error (RFC 9113 5.4.1 lets it); h2spec wants RST_STREAM',
  },
  'http2/6.9.2 Changes SETTINGS_INITIAL_WINDOW_SIZE after sending HEADERS frame': noBody,
  'http2/6.9.2 Sends a SETTINGS frame for window size to be negative': noBody,
};

export const ourExceptions: Readonly<Record<string, H2specException>> = {};
