// The largest message that a peer takes, from the text with which it refused a larger one.

/** Each has the limit in bytes as its group. What does not say which of its numbers is the limit, or its unit, is not here. */
const sayings: readonly RegExp[] = [
  // grpc-go, gRPC C core (Python, C++, Ruby), grpc-js, and this service: "Received message larger than max (5000000 vs. 4194304)"
  /\blarger than max \(\d{1,16} vs\. (\d{1,16})\)/i,
  // grpc-go and this service, once decompressed: "received message after decompression larger than max 4194304"
  /\blarger than max (\d{1,16})\b/i,
  // grpc-java: "gRPC message exceeds maximum size 4194304: 5000000"
  /\bmessage exceeds maximum size (\d{1,16})\b/i,
  // tonic: "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes"; "a body has at most …"
  /\b(?:message|body|request|payload)\b[^.;]{0,60}?\b(?:at most|larger than|limit is|limit of):? (\d{1,16}) bytes\b(?! ?(?:per|\/|a |each))/i,
];

/** Bytes; 0 where the text says no limit, or none that can be read with certainty. */
export function statedLimit(text: string): number {
  for (const saying of sayings) {
    const match = saying.exec(text);
    if (match === null) continue;
    const limit = Number(match[1]);
    return Number.isSafeInteger(limit) ? limit : 0;
  }
  return 0;
}

/**
 * Whether the text says that a request as a whole was too large, for peers whose status says only that it is bad: a
 * Collector answers 400 "http: request body too large".
 */
export function saysTooLarge(text: string): boolean {
  return /\b(?:request|message|body|payload|entity) (?:is |was )?(?:too large|larger than max)\b/i.test(text);
}
