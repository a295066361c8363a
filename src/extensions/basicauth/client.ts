// Gives a user name and password to requests that go out.
import type { Logger } from 'pino';
import { credentialMetricValues } from '../../component/auth-fields.ts';
import type { Extension } from '../../component/extension.ts';
import type { Secret } from '../../lib/secret.ts';
import { createFreshFiles, unusable, watchIntervalMs } from '../../transport/fresh-files.ts';

export interface BasicAuthClientOptions {
  readonly username: string;
  /** '': none; counts before the name. */
  readonly usernameFile: string;
  readonly password: Secret;
  readonly passwordFile: string;
  readonly log: Logger;
  /** How often files are looked at. */
  readonly watchMs?: number;
}

export function createBasicAuthClient(options: BasicAuthClientOptions): Extension {
  const { usernameFile, passwordFile } = options;
  const [nameField, passwordField] = ['client_auth.username_file', 'client_auth.password_file'];
  let authorization = '';
  const files = createFreshFiles<string>({
    files: {
      ...(usernameFile === '' ? {} : { [nameField]: usernameFile }),
      ...(passwordFile === '' ? {} : { [passwordField]: passwordFile }),
    },
    intervalMs: options.watchMs ?? watchIntervalMs,
    parse(texts) {
      const user = usernameFile === '' ? options.username : texts[nameField].trim();
      const password = passwordFile === '' ? options.password.reveal() : texts[passwordField].trim();
      if (user === '') throw unusable(nameField, 'holds no name');
      // RFC 7617 2: "a user-id containing a colon character is invalid".
      if (user.includes(':')) throw unusable(nameField, 'holds a name with a colon');
      if (password === '' && passwordFile !== '') throw unusable(passwordField, 'holds no password');
      return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    },
    changed(value) {
      authorization = value;
    },
    log: options.log,
  });
  return {
    async start() {
      authorization = await files.start();
    },
    stop: async () => files.stop(),
    addresses: () => [],
    offers: { clientAuth: { headers: (_metadata, given) => ({ ...given, authorization }) } },
    metricValues: () => (usernameFile === '' && passwordFile === '' ? [] : credentialMetricValues(files)),
  };
}
