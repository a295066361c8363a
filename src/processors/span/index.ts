// The Collector's span processor: names spans by their attributes, takes attributes out of names, and sets the status.
import { z } from 'zod';
import { defineSpanProcessor } from '../../component/define.ts';
import { problem, stringList, textList } from '../../component/fields.ts';
import { spanSelectionFields } from '../../component/span-match-fields.ts';
import { spanSelectionTouches } from '../../component/span-matcher.ts';
import { adviseSpan, checkSpan, groupNamesOf } from './check.ts';
import { spanStep } from './span.ts';

const name = z.strictObject({
  from_attributes: textList(z.string().min(1))
    .prefault([])
    .describe('The values of these attributes become the name, in this order, where a span has all of them.'),
  separator: z.string().prefault('').describe('Stands between the values.'),
  to_attributes: z
    .strictObject({
      rules: stringList().describe(
        'RE2. What a named group finds in the name becomes an attribute of that name, and {group} takes its place in the ' +
          'name. Each rule sees the name that those before it left.',
      ),
      break_after_match: z.boolean().prefault(false).describe('Only the first rule that matches counts.'),
      keep_original_name: z.boolean().prefault(false).describe('The name stays as it is.'),
    })
    .nullish()
    .describe('Attributes from the name, after from_attributes.'),
});

const status = z
  .strictObject({
    code: z.enum(['Unset', 'Ok', 'Error']).describe('The new code; what the status said before goes.'),
    description: z.string().prefault('').describe('The new message; only for the code Error.'),
  })
  .refine(
    ({ code, description }) => code === 'Error' || description === '',
    problem('CONFIG_CONFLICT', 'a description can only stand beside the code Error'),
  );

const config = z
  .strictObject({
    ...spanSelectionFields(),
    name: name.nullish().describe('How the name of a span is made, or taken apart.'),
    status: status.nullish().describe('The status that spans get.'),
  })
  .refine(
    (c) =>
      (c.name?.from_attributes.length ?? 0) > 0 || (c.name?.to_attributes?.rules.length ?? 0) > 0 || c.status != null,
    problem('CONFIG_MISSING', 'one of name.from_attributes, name.to_attributes.rules and status is required'),
  );
export type Config = z.output<typeof config>;
export type NameConfig = z.output<typeof name>;
export type StatusConfig = z.output<typeof status>;

export const span = defineSpanProcessor<Config>({
  ...spanStep,
  kind: 'processor',
  role: 'spans',
  aliases: [],
  stability: 'beta',
  summary: 'Names spans by their attributes, makes attributes of parts of names, and sets the status.',
  config,
  check: checkSpan,
  advise: adviseSpan,
  passes: (c) => [spanSelectionTouches(c)],
  traits: { mutates: true, drops: false },
  sets: groupNamesOf,
  examples: [
    {
      title: 'Name spans by method and route',
      yaml: 'name:\n  from_attributes: [http.request.method, http.route]\n  separator: " "',
    },
    {
      title: 'Take what differs from call to call out of the name',
      yaml: 'name:\n  to_attributes:\n    rules: ["^/documents/(?P<document_id>[0-9]+)/"]',
    },
    {
      title: 'An error where an attribute says so',
      yaml:
        'include:\n  match_type: strict\n  attributes: [{key: error, value: true}]\n' +
        'status: {code: Error, description: the attribute error is set}',
    },
  ],
});
