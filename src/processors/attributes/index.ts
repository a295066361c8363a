// The Collector's attributes processor: changes span attributes by a list of actions.
import { z } from 'zod';
import { defineSpanProcessor } from '../../component/define.ts';
import { checkMatchProperties, matchProperties } from '../../component/span-matcher.ts';
import { actionList, checkActions, metadataKeyOf } from './actions.ts';
import { compileAttributes } from './attributes.ts';

const config = z.strictObject({
  include: matchProperties.optional().describe('Only spans that match all of this are changed.'),
  exclude: matchProperties.optional().describe('Spans that match all of this are not changed, even when included.'),
  actions: actionList().describe('Done in this order; each sees what those before it did.'),
});
export type Config = z.output<typeof config>;

const setting: ReadonlySet<string> = new Set(['insert', 'update', 'upsert', 'hash', 'convert']);

export const attributes = defineSpanProcessor<Config>({
  kind: 'processor',
  role: 'spans',
  type: 'attributes',
  aliases: [],
  stability: 'beta',
  summary: 'Inserts, changes, deletes, hashes, extracts and converts span attributes.',
  config,
  check: (c) => [
    ...checkActions(c.actions).map((issue) => ({ ...issue, path: ['actions', ...issue.path] })),
    ...(c.include === undefined ? [] : checkMatchProperties(c.include, ['include'])),
    ...(c.exclude === undefined ? [] : checkMatchProperties(c.exclude, ['exclude'])),
  ],
  traits: { mutates: true, drops: false },
  metadataKeys: (c) => [
    ...new Set(c.actions.filter((one) => one.from_context !== '').map((one) => metadataKeyOf(one.from_context))),
  ],
  sets: (c) => c.actions.filter(({ action }) => setting.has(action)).map(({ key }) => key),
  compile: compileAttributes,
  examples: [
    {
      title: 'Remove what identifies a person, say where the span came from',
      yaml:
        'actions:\n  - {key: user.email, action: delete}\n  - {key: user.id, action: hash}\n' +
        '  - {key: deployment.environment, value: production, action: insert}',
    },
    {
      title: 'Parts of a path as attributes',
      yaml: 'actions:\n  - {key: url.path, pattern: "^/users/(?P<user_id>[0-9]+)", action: extract}',
    },
    {
      title: 'Only for one service, from the header of the request',
      yaml:
        'include: {match_type: strict, services: [checkout]}\n' +
        'actions:\n  - {key: tenant, from_context: metadata.x-tenant-id, default_value: unknown, action: upsert}',
    },
  ],
  metrics: [],
});
