// The Collector's headers_setter extension.
import { z } from 'zod';
import { credentialMetrics, secretText } from '../../component/auth-fields.ts';
import { defineExtension } from '../../component/define.ts';
import { notBuiltIn } from '../../component/delivery-fields.ts';
import { problem } from '../../component/fields.ts';
import type { ConfigIssue } from '../../component/types.ts';
import { createHeadersSetter, type HeaderRule, type HeaderSource } from './setter.ts';

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
        "Header of the client's request; its receiver needs include_metadata, a batch processor metadata_keys.",
      ),
    from_attribute: notBuiltIn('attributes of credentials are not kept; use from_context').describe('Not built in.'),
    default_value: secretText().prefault('').describe('The value where the client sent no such metadata.'),
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

const sourceFields = ['value', 'value_file', 'from_context'] as const;

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
      if (/[^\t\x20-\x7e\x80-\xff]/.test(one[field]?.reveal() ?? '')) {
        const message = 'has a character that no header field can have, such as the end of a line';
        return [{ path: [...path, field], code: 'CONFIG_VALUE', message }];
      }
    }
    return [];
  });
}

function sourceOf({ value, value_file, from_context, default_value }: Header, index: number): HeaderSource {
  if (from_context !== undefined) return { kind: 'context', key: from_context.toLowerCase(), otherwise: default_value };
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
  references: ({ additional_auth: id }) =>
    id === '' ? [] : [{ path: ['additional_auth'], id, capability: 'clientAuth' as const }],
  offers: () => ['clientAuth'],
  metadataKeys: ({ headers }) =>
    headers.flatMap(({ from_context: key }) => (key === undefined ? [] : [key.toLowerCase()])),
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
      title: 'A key from a file',
      yaml: 'headers:\n  - action: insert\n    key: x-api-key\n    value_file: /etc/spanmill/key',
    },
  ],
  metrics: credentialMetrics,
});
