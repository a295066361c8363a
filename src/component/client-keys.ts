// Keys of client metadata that stand for something else than a header of the request. One set of names for all who read
// metadata: extensions that set headers, processors, and what keeps batches apart.

const credentialPrefix = 'auth.';

/** The key of what the receiver's authenticator knows of a client; `attribute`: by the Collector's names, such as `username`. */
export const credentialKey = (attribute: string): string => `${credentialPrefix}${attribute}`;

/** The attribute that a key stands for; null: it is another key. */
export const credentialAttribute = (key: string): string | null =>
  key.startsWith(credentialPrefix) ? key.slice(credentialPrefix.length) : null;
