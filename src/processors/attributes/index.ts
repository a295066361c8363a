// The Collector's attributes processor: changes span attributes by a list of actions.
import { z } from 'zod';
import { checkActions, keysSet, metadataKeysOf } from '../../component/attribute-actions/actions.ts';
import { actionList } from '../../component/attribute-actions/fields.ts';
import { defineSpanProcessor } from '../../component/define.ts';
import { spanSelectionFields } from '../../component/span-match-fields.ts';
import { adviseSpanSelection, checkSpanSelection, spanSelectionTouches } from '../../component/span-matcher.ts';
import { attributesStep } from './attributes.ts';

const config = z.strictObject({
  ...spanSelectionFields(),
  actions: actionList().describe('Done in this order; each sees what those before it did.'),
});
export type Config = z.output<typeof config>;

export const attributes = defineSpanProcessor<Config>({
  ...attributesStep,
  kind: 'processor',
  role: 'spans',
  aliases: [],
  stability: 'beta',
  summary: 'Inserts, changes, deletes, hashes, extracts and converts span attributes.',
  config,
  check: (c) => [...checkActions(c.actions, ['actions']), ...checkSpanSelection(c)],
  advise: adviseSpanSelection,
  passes: (c) => [spanSelectionTouches(c)],
  traits: { mutates: true, drops: false },
  metadataKeys: (c) => metadataKeysOf(c.actions),
  sets: (c) => keysSet(c.actions),
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
});
