// What a list of actions on attributes may say.
import { z } from 'zod';
import { anyValue } from '../fields.ts';

const names = ['insert', 'update', 'upsert', 'delete', 'hash', 'extract', 'convert'] as const;

export const action = z.strictObject({
  key: z.string().prefault('').describe('The attribute to act on. Optional beside the pattern of delete and hash.'),
  action: z
    .string()
    .toLowerCase()
    .pipe(z.enum(names))
    .meta({ examples: [...names] })
    .describe(
      'insert: only where the key is absent; update: only where it is there; upsert: always; delete; hash: the value ' +
        'becomes its SHA-256; extract: named groups of the pattern become attributes; convert: to another type.',
    ),
  value: anyValue().optional().describe('The value to set; its YAML type is the type of the attribute.'),
  from_attribute: z.string().prefault('').describe('Takes the value from this attribute; nothing happens without it.'),
  from_context: z
    .string()
    .prefault('')
    .describe(
      'Takes the value from the client: metadata.<key> (several values joined with ";"; the receiver must have ' +
        "include_metadata: true), auth.<attribute> (what the receiver's authenticator knows, such as auth.username) or " +
        'client.address.',
    ),
  default_value: anyValue().optional().describe('The value to set where the source has none.'),
  pattern: z
    .string()
    .prefault('')
    .describe('RE2. delete, hash: all attributes whose key it matches. extract: what to find in the value.'),
  converted_type: z
    .enum(['', 'int', 'double', 'string'])
    .prefault('')
    .describe('convert: the new type. A string that is not a number stays as it is.'),
});
export type Action = z.output<typeof action>;

/** At least one action. */
export const actionList = () => z.array(action).min(1);
