// The Collector's forward connector: pipelines that send to it are joined with those that receive from it.
import { z } from 'zod';
import { defineConnector } from '../../component/define.ts';

export const forward = defineConnector({
  kind: 'connector',
  type: 'forward',
  aliases: [],
  stability: 'beta',
  summary: 'Joins pipelines: what one exports to it, every other that receives from it gets.',
  config: z.strictObject({}),
  examples: [{ title: 'It has no settings', yaml: '{}' }],
  metrics: [],
});
