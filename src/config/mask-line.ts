// What in a configuration is a secret by its name, and lines without it.

/** Of keys and of headers, in lower case and with _ for -. `key_pem`: PEM text of a private key. */
const secretNames = new Set([
  'authorization',
  'proxy_authorization',
  'cookie',
  'token',
  'tokens',
  'password',
  'passphrase',
  'secret',
  'key_pem',
  'apikey',
  'api_key',
  'x_api_key',
  'x_honeycomb_team',
  'x_sentry_auth',
  'private_key',
  'passwd',
  'pwd',
]);
/** Alone, or as the end of a longer name: `x-auth-token`, `dd-api-key`, `client_secret`. */
const secretEnd =
  /(?:^|_)(?:token|secret|password|passphrase|api_?key|access_key|secret_key|ingestion_key|ingest_key|license_key)$/;

/** `https://user:password@host`. */
export const userinfo = /(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/?#@:]*:)([^\s/?#@]+)@/i;

export const isSecretName = (key: string): boolean => {
  const name = key.toLowerCase().replaceAll('-', '_');
  return secretNames.has(name) || secretEnd.test(name);
};

/**
 * A line, or a `--set`, that cannot be read as YAML may still hold one: behind a key of such a name everything is hidden, but
 * for references. As long as before, so that a caret below still points at its place.
 */
export const maskLine = (line: string): string => {
  for (const match of line.matchAll(/(?<![\w.-])([\w.-]+)["']?\s*[:=]\s*/g)) {
    const key = match[1];
    const from = match.index + match[0].length;
    if (!isSecretName(key.slice(key.lastIndexOf('.') + 1)) || /^["']?\$\{/.test(line.slice(from, from + 3))) continue;
    return line.slice(0, from) + '*'.repeat(line.length - from);
  }
  return line.replace(userinfo, (_, before: string, password: string) => `${before}${'*'.repeat(password.length)}@`);
};
