// Checks user names and passwords of clients (RFC 7617).
import { createHmac, randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { credentialMetricValues } from '../../component/auth-fields.ts';
import type { AuthRefusal, HeaderReader } from '../../component/capabilities.ts';
import type { Extension } from '../../component/extension.ts';
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
        refusal: (read: HeaderReader, peer = '') => passwords.refusal(read('authorization')[0] ?? '', peer),
        get version() {
          return passwords.version;
        },
        attribute(read, name) {
          const value = read('authorization')[0] ?? '';
          const credential = credentialOf(value);
          if (credential === null) return null;
          if (name === 'username') return credential.user;
          return name === 'raw' ? value.slice(value.lastIndexOf(' ') + 1) : null;
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

/** What is remembered of a credential holds as long as its user's hash is this one; null: there is no such user. */
interface Remembered {
  readonly user: string;
  readonly hash: string | null;
}
interface Asked extends Remembered {
  readonly verdict: Promise<AuthRefusal | null>;
}

/** Whose turn it is to have a password checked: an address; of IPv6 its /64, of which a client has all. */
function turnOf(peer: string): string {
  const host = peer.slice(0, Math.max(0, peer.lastIndexOf(':')));
  if (!host.startsWith('[')) return host;
  const mapped = /^\[::ffff:([\d.]+)\]$/.exec(host);
  return mapped?.[1] ?? network64(host.slice(1, -1));
}

/** The first four groups; `::` stands for as many zeroes as are missing. */
function network64(address: string): string {
  const [before, after] = address.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const missing = after === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  return [...before, ...Array<string>(missing).fill('0'), ...(after ?? [])].slice(0, 4).join(':');
}

class Passwords {
  version = 0;
  readonly #checks: SlowChecks;
  /** What is remembered of credentials is their digest under a key of this process. */
  readonly #key = randomBytes(32);
  #users: Users = new Map();
  #all: readonly PasswordCheck[] = [];
  /** Of slow hashes; at most as many as there are users. */
  readonly #accepted = new Map<string, Remembered>();
  readonly #rejected = new Map<string, Remembered>();
  /** Credentials that are being checked. */
  readonly #asked = new Map<string, Asked>();

  constructor(checks: SlowChecks) {
    this.#checks = checks;
  }

  /** What is known of users whose hash is another one is forgotten: not of all, who would then be checked all at once. */
  use(users: Users): void {
    this.#users = users;
    this.#all = [...users.values()];
    for (const known of [this.#accepted, this.#rejected, this.#asked]) {
      for (const [digest, { user, hash }] of known) if (this.#hashOf(user) !== hash) known.delete(digest);
    }
    this.version++;
  }

  #hashOf(user: string): string | null {
    const check = this.#users.get(user);
    return check?.kind === 'slow' ? check.hash : null;
  }

  refusal(value: string, peer: string): AuthRefusal | null | Promise<AuthRefusal | null> {
    if (value === '') return missing;
    const credential = credentialOf(value);
    if (credential === null) return wrong;
    const { user, password } = credential;
    const known = this.#users.get(user);
    const check = known ?? this.#standIn(user);
    if (check.kind === 'fast') return isPassword(password, check) && known !== undefined ? null : wrong;
    const digest = this.#digest(user, password);
    if (this.#accepted.has(digest)) return null;
    if (this.#rejected.has(digest)) return wrong;
    const asked = this.#asked.get(digest);
    if (asked !== undefined) return asked.verdict;
    const answer = this.#checks.matches(password, check.hash, turnOf(peer));
    return answer === 'busy' ? busy : this.#await(answer, digest, user, () => this.refusal(value, peer));
  }

  /** Slow: of connections that begin with the same credential the first asks for all. `again`: when its user has changed. */
  #await(
    answer: Promise<boolean | null>,
    digest: string,
    user: string,
    again: () => ReturnType<Passwords['refusal']>,
  ): Promise<AuthRefusal | null> {
    const remembered: Remembered = { user, hash: this.#hashOf(user) };
    const verdict = answer.then((matches) => {
      if (this.#hashOf(user) !== remembered.hash) return again();
      this.#asked.delete(digest);
      if (matches === null) return busy;
      if (matches && remembered.hash !== null) {
        this.#accepted.set(digest, remembered);
        return null;
      }
      this.#reject(digest, remembered);
      return wrong;
    });
    this.#asked.set(digest, { ...remembered, verdict });
    return verdict;
  }

  #reject(digest: string, remembered: Remembered): void {
    const [oldest] = this.#rejected.keys();
    if (oldest !== undefined && this.#rejected.size >= mostRejected) this.#rejected.delete(oldest);
    this.#rejected.set(digest, remembered);
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
