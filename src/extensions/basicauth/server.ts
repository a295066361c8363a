// Checks user names and passwords of clients (RFC 7617).
import { createHmac, randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { credentialMetricValues } from '../../component/auth-fields.ts';
import type { AuthRefusal, HeaderReader } from '../../component/capabilities.ts';
import type { Extension } from '../../component/types.ts';
import type { Secret } from '../../lib/secret.ts';
import { createFreshFiles, unusable, watchIntervalMs } from '../../transport/fresh-files.ts';
import { isPassword, type PasswordCheck, type Users, usersOf } from './htpasswd.ts';
import { createSlowChecks, type SlowChecks } from './slow-checks.ts';

export interface BasicAuthServerOptions {
  /** '': none. */
  readonly file: string;
  /** Counts where it has the same users as the file. */
  readonly inline: Secret;
  readonly log: Logger;
  /** How often the file is looked at. */
  readonly watchMs?: number;
  readonly checks?: SlowChecks;
}

/** Of the credential as it is sent. Nobody's is longer, and hashing takes as long as it is long. */
const longestCredential = 1024;
/** Wrong credentials that are remembered, so that a client that repeats one costs nothing. */
const mostRejected = 1000;

const missing: AuthRefusal = { message: 'no credential: the header authorization is missing', retryDelayMs: 0 };
const wrong: AuthRefusal = {
  message: 'the credential is not accepted: it is not Basic, or not a user and password of ours',
  retryDelayMs: 0,
};
const busy: AuthRefusal = { message: 'too many passwords are being checked; try again', retryDelayMs: 1000 };

export function createBasicAuthServer(options: BasicAuthServerOptions): Extension {
  const { file, inline } = options;
  const field = 'htpasswd.file';
  const checks = options.checks ?? createSlowChecks();
  const passwords = new Passwords(checks);
  const files = createFreshFiles<Users>({
    files: file === '' ? {} : { [field]: file },
    intervalMs: options.watchMs ?? watchIntervalMs,
    parse(texts) {
      const own = file === '' ? [] : usersOf(field, texts[field]);
      const users = new Map([...own, ...usersOf('htpasswd.inline', inline.reveal())]);
      if (users.size === 0) throw unusable(file === '' ? 'htpasswd.inline' : field, 'names no user');
      return users;
    },
    changed: (users) => passwords.use(users),
    log: options.log,
  });
  return {
    start: async () => passwords.use(await files.start()),
    async stop() {
      files.stop();
      await checks.stop();
    },
    addresses: () => [],
    offers: {
      serverAuth: {
        refusal: (read: HeaderReader) => passwords.refusal(read('authorization')[0] ?? ''),
        get version() {
          return passwords.version;
        },
      },
    },
    metricValues: () => (file === '' ? [] : credentialMetricValues(files)),
  };
}

interface Credential {
  readonly user: string;
  readonly password: string;
}

/** "the credentials … user-id and password … separated by a single colon, … using Base64" (RFC 7617 2), in UTF-8. */
function credentialOf(value: string): Credential | null {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value)?.[1];
  if (encoded === undefined || value.length > longestCredential) return null;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

class Passwords {
  version = 0;
  readonly #checks: SlowChecks;
  /** What is remembered of credentials is their digest under a key of this process. */
  readonly #key = randomBytes(32);
  #users: Users = new Map();
  #all: readonly PasswordCheck[] = [];
  /** Of slow hashes; at most as many as there are users. */
  #accepted = new Set<string>();
  #rejected = new Set<string>();
  /** Credentials that are being checked. */
  #asked = new Map<string, Promise<AuthRefusal | null>>();

  constructor(checks: SlowChecks) {
    this.#checks = checks;
  }

  use(users: Users): void {
    this.#users = users;
    this.#all = [...users.values()];
    this.#accepted = new Set();
    this.#rejected = new Set();
    this.#asked = new Map();
    this.version++;
  }

  refusal(value: string): AuthRefusal | null | Promise<AuthRefusal | null> {
    if (value === '') return missing;
    const credential = credentialOf(value);
    if (credential === null) return wrong;
    const known = this.#users.get(credential.user);
    const check = known ?? this.#standIn(credential.user);
    if (check.kind === 'fast') return isPassword(credential.password, check) && known !== undefined ? null : wrong;
    const digest = this.#digest(credential.user, credential.password);
    if (this.#accepted.has(digest)) return null;
    if (this.#rejected.has(digest)) return wrong;
    return this.#asked.get(digest) ?? this.#ask(value, credential.password, check.hash, known !== undefined, digest);
  }

  /** Slow: of connections that begin with the same credential the first asks for all. */
  #ask(
    value: string,
    password: string,
    hash: string,
    isKnown: boolean,
    digest: string,
  ): AuthRefusal | Promise<AuthRefusal | null> {
    const answer = this.#checks.matches(password, hash);
    if (answer === 'busy') return busy;
    const { version } = this;
    const verdict = answer.then((matches): AuthRefusal | null | Promise<AuthRefusal | null> => {
      if (version !== this.version) return this.refusal(value);
      this.#asked.delete(digest);
      if (matches === null) return busy;
      if (matches && isKnown) {
        this.#accepted.add(digest);
        return null;
      }
      this.#reject(digest);
      return wrong;
    });
    this.#asked.set(digest, verdict);
    return verdict;
  }

  #reject(digest: string): void {
    const [oldest] = this.#rejected;
    if (oldest !== undefined && this.#rejected.size >= mostRejected) this.#rejected.delete(oldest);
    this.#rejected.add(digest);
  }

  /**
   * The password of a user that nobody knows is checked against one of those that there are, the same each time, so that it
   * takes as long as for one that is known.
   */
  #standIn(user: string): PasswordCheck {
    const number = createHmac('sha256', this.#key).update(`user ${user}`).digest().readUInt32LE(0);
    return this.#all[number % this.#all.length];
  }

  #digest(user: string, password: string): string {
    return createHmac('sha256', this.#key).update(`${user.length} ${user}:${password}`).digest('base64');
  }
}
