// Changes the headers of requests that go out.
import type { Logger } from 'pino';
import { credentialMetricValues } from '../../component/auth-fields.ts';
import type { ClientAuthenticator } from '../../component/capabilities.ts';
import type { Extension } from '../../component/extension.ts';
import { SpanmillError } from '../../errors.ts';
import { credentialAttribute } from '../../lib/client-keys.ts';
import type { Secret } from '../../lib/secret.ts';
import { createFreshFiles, unusable, watchIntervalMs } from '../../transport/fresh-files.ts';

export type HeaderSource =
  | { readonly kind: 'fixed'; readonly value: Secret }
  /** `field`: as messages name it. */
  | { readonly kind: 'file'; readonly field: string; readonly path: string }
  /** Of the client's metadata, by its key there. */
  | { readonly kind: 'context'; readonly key: string; readonly otherwise: Secret };

export interface HeaderRule {
  readonly action: 'insert' | 'update' | 'upsert' | 'delete';
  /** In lower case. */
  readonly key: string;
  readonly source: HeaderSource;
}

export interface HeadersSetterOptions {
  readonly rules: readonly HeaderRule[];
  /** Whose headers are set first; null: nobody's. */
  readonly additional: (() => ClientAuthenticator) | null;
  readonly log: Logger;
  /** How often files are looked at. */
  readonly watchMs?: number;
}

/** What no header field can have (RFC 9110 5.5). */
export const unfit = /[^\t\x20-\x7e\x80-\xff]/;

type Metadata = Readonly<Record<string, readonly string[]>>;

export function createHeadersSetter({ rules, additional, log, watchMs }: HeadersSetterOptions): Extension {
  let fileValues: Readonly<Record<string, string>> = {};
  const paths = rules.flatMap(({ source }) => (source.kind === 'file' ? [[source.field, source.path] as const] : []));
  const files = createFreshFiles<Readonly<Record<string, string>>>({
    files: Object.fromEntries(paths),
    intervalMs: watchMs ?? watchIntervalMs,
    parse: (texts) => Object.fromEntries(Object.entries(texts).map(([field, text]) => [field, fileValue(field, text)])),
    changed(values) {
      fileValues = values;
    },
    log,
  });

  const valueFor = (source: HeaderSource, metadata: Metadata): string => {
    if (source.kind === 'fixed') return source.value.reveal();
    return source.kind === 'file' ? fileValues[source.field] : contextValue(source, metadata);
  };
  const apply = (metadata: Metadata, given: Readonly<Record<string, string>>): Record<string, string> => {
    const headers = { ...(additional === null ? given : additional().headers(metadata, given)) };
    for (const { action, key, source } of rules) {
      const isThere = headers[key] !== undefined;
      if (action === 'delete') delete headers[key];
      else if (action === 'upsert' || isThere === (action === 'update')) headers[key] = valueFor(source, metadata);
    }
    return headers;
  };

  return {
    async start() {
      fileValues = await files.start();
    },
    stop: async () => files.stop(),
    addresses: () => [],
    offers: {
      clientAuth: {
        headers: apply,
      },
    },
    metricValues: () => (paths.length === 0 ? [] : credentialMetricValues(files)),
  };
}

/** Throws a SpanmillError AUTH. */
function fileValue(field: string, text: string): string {
  const value = text.trim();
  if (value === '') throw unusable(field, 'holds no value');
  if (unfit.test(value)) throw unusable(field, 'holds a character that no header field can have');
  return value;
}

function contextValue({ key, otherwise }: HeaderSource & { kind: 'context' }, metadata: Metadata): string {
  const values = metadata[key] ?? Object.entries(metadata).find(([name]) => name.toLowerCase() === key)?.[1] ?? [];
  if (values.length > 1) {
    throw new SpanmillError(
      'EXPORT',
      `the client sent ${values.length} values of ${key}: which one is meant is not known`,
    );
  }
  if (values.length === 0) return otherwise.reveal();
  if (credentialAttribute(key) === null) return values[0];
  // A credential is text of any kind: as bytes of UTF-8, which headers hold as a character each.
  const value = Buffer.from(values[0]).toString('latin1');
  if (unfit.test(value)) {
    throw new SpanmillError('EXPORT', `${key} of the client has a character that no header field can have`);
  }
  return value;
}
