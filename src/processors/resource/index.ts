// The Collector's resource processor: changes resource attributes by a list of actions.
import { z } from 'zod';
import { checkActions, metadataKeysOf } from '../../component/attribute-actions/actions.ts';
import { actionList } from '../../component/attribute-actions/fields.ts';
import { defineSpanProcessor } from '../../component/define.ts';
import { resourceStep } from './resource.ts';

const config = z.strictObject({
  attributes: actionList().describe('Done in this order; each sees what those before it did.'),
});
export type Config = z.output<typeof config>;

export const resource = defineSpanProcessor<Config>({
  ...resourceStep,
  kind: 'processor',
  role: 'spans',
  aliases: [],
  stability: 'beta',
  summary: 'Inserts, changes, deletes, hashes, extracts and converts resource attributes.',
  config,
  check: (c) => checkActions(c.attributes, ['attributes']),
  passes: () => [[{ what: 'resource', from: 'resource', writes: true }]],
  traits: { mutates: true, drops: false },
  metadataKeys: (c) => metadataKeysOf(c.attributes),
  examples: [
    {
      title: 'Say where spans ran',
      yaml: 'attributes:\n  - {key: deployment.environment.name, value: production, action: upsert}',
    },
    {
      title: 'Give an old key its new name, remove what no backend needs',
      yaml:
        'attributes:\n  - {key: k8s.cluster.name, from_attribute: k8s-cluster, action: insert}\n' +
        '  - {key: k8s-cluster, action: delete}\n  - {pattern: "^process\\\\.", action: delete}',
    },
    {
      title: 'The user that the authenticator of the receiver knows',
      yaml: 'attributes:\n' + '  - {key: tenant, from_context: auth.username, default_value: unknown, action: upsert}',
    },
  ],
});
