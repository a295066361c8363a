// The Collector's headers_setter extension.
import { z } from 'zod';
import { credentialMetrics, secretText } from '../../component/auth-fields.ts';
import { defineExtension } from '../../component/define.ts';
import type { ConfigIssue } from '../../component/definition.ts';
import { problem } from '../../component/fields.ts';
import { credentialKey } from '../../lib/client-keys.ts';
import { createHeadersSetter, type HeaderRule, type HeaderSource, unfit } from './setter.ts';

const header = z
  .strictObject({
    action: z
      .enum(['insert', 'update', 'upsert', 'delete'])
      .prefault('upsert')
      .describe('insert: if it is not there; update: if it is; upsert: in either case; delete: leave it out.'),
    key: z
      .string()
      .regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, problem('CONFIG_VALUE', 'not a name that a header field can have'))
      .describe('Name of the header field.'),
    value: secretText().optional().describe('The value.'),
    value_file: z
      .string()
      .min(1)
      .optional()
      .describe('A file with the value. It is watched, and read when it changes.'),
    from_context: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Header of the client's request; its receiver needs include_metadata, a batch processor metadata_keys. client.address: the address that it came from.",
      ),
    from_attribute: z
      .string()
      .min(1)
      .optional()
      .describe(
        "What the receiver's authenticator knows of the client: username or raw (the credential as it was sent) of basicauth. A batch processor needs it in metadata_keys, as auth.username.",
      ),
    default_value: secretText()
      .prefault('')
      .describe('The value where the client sent no such metadata, or nothing is known of it.'),
  })
  .describe('One header field.');

const config = z.strictObject({
  headers: z.array(header).min(1).describe('What is done to the headers of each request, in this order.'),
  additional_auth: z
    .string()
    .prefault('')
    .describe('Id of another extension that gives credentials; its headers are set first.'),
});
type Config = z.output<typeof config>;
type Header = Config['headers'][number];

const sourceFields = ['value', 'value_file', 'from_context', 'from_attribute'] as const;

function check({ headers }: Config): ConfigIssue[] {
  return headers.flatMap((one, index): ConfigIssue[] => {
    const path = ['headers', index];
    const named = sourceFields.filter((field) => one[field] !== undefined);
    if (named.length > 1) {
      return [
        { path: [...path, named[1]], code: 'CONFIG_CONFLICT', message: `only one of ${sourceFields.join(', ')}` },
      ];
    }
    if (named.length === 0 && one.action !== 'delete') {
      return [{ path, code: 'CONFIG_MISSING', message: `no value: set one of ${sourceFields.join(', ')}` }];
    }
    for (const field of ['value', 'default_value'] as const) {
      if (unfit.test(one[field]?.reveal() ?? '')) {
        const message = 'has a character that no header field can have, such as the end of a line';
        return [{ path: [...path, field], code: 'CONFIG_VALUE', message }];
      }
    }
    return [];
  });
}

/** The client metadata that a header is made of. */
function metadataOf({ from_context, from_attribute }: Header): { field: string; key: string } | null {
  if (from_context !== undefined) return { field: 'from_context', key: from_context.toLowerCase() };
  return from_attribute === undefined ? null : { field: 'from_attribute', key: credentialKey(from_attribute) };
}

function sourceOf(header: Header, index: number): HeaderSource {
  const { value, value_file, default_value } = header;
  const metadata = metadataOf(header);
  if (metadata !== null) return { kind: 'context', key: metadata.key, otherwise: default_value };
  if (value_file !== undefined) return { kind: 'file', field: `headers[${index}].value_file`, path: value_file };
  return { kind: 'fixed', value: value ?? default_value };
}

export const headersSetter = defineExtension<Config>({
  kind: 'extension',
  type: 'headers_setter',
  aliases: [],
  stability: 'alpha',
  summary: "Sets headers of requests that go out, with fixed values or those of the client's request.",
  config,
  check,
  advise: ({ headers }) =>
    headers.flatMap(({ from_context = '' }, index): ConfigIssue[] => {
      if (!/^metadata\./i.test(from_context)) return [];
      const message = `is the name of a header here; ${from_context.slice('metadata.'.length)} without the prefix is what other components call ${from_context}`;
      return [{ path: ['headers', index, 'from_context'], code: 'CONFIG_VALUE', message }];
    }),
  references: ({ additional_auth: id }) =>
    id === '' ? [] : [{ path: ['additional_auth'], id, capability: 'clientAuth' as const }],
  offers: () => ['clientAuth'],
  metadataKeys: ({ headers }) =>
    headers.flatMap((header, index) => {
      const metadata = metadataOf(header);
      return metadata === null ? [] : [{ path: ['headers', index, metadata.field], key: metadata.key }];
    }),
  create: (c, host) =>
    createHeadersSetter({
      rules: c.headers.map(
        (one, index): HeaderRule => ({ action: one.action, key: one.key.toLowerCase(), source: sourceOf(one, index) }),
      ),
      additional: c.additional_auth === '' ? null : () => host.extensions.get(c.additional_auth, 'clientAuth'),
      log: host.log,
    }),
  examples: [
    {
      title: "The client's tenant, where a batch processor keeps it (metadata_keys)",
      yaml: 'headers:\n  - key: X-Scope-OrgID\n    from_context: x-tenant\n    default_value: shared',
    },
    {
      title: 'Whom basicauth let in',
      yaml: 'headers:\n  - key: X-Scope-OrgID\n    from_attribute: username',
    },
    {
      title: 'A key from a file',
      yaml: 'headers:\n  - action: insert\n    key: x-api-key\n    value_file: /etc/spanmill/key',
    },
  ],
  metrics: credentialMetrics,
});
