// The Collector's nop exporter.
import { z } from 'zod';
import { defineExporter } from '../../component/define.ts';
import { directDelivery } from '../../component/delivery-fields.ts';
import type { Exporter } from '../../component/exporter.ts';

const exporter: Exporter = {
  start: async () => {},
  export: async () => ({ kind: 'accepted' }),
  stop: async () => {},
};

export const nop = defineExporter<Record<string, never>>({
  kind: 'exporter',
  type: 'nop',
  aliases: [],
  stability: 'stable',
  summary: 'Accepts all spans and does nothing with them.',
  config: z.strictObject({}),
  delivery: () => directDelivery,
  create: () => exporter,
  examples: [{ title: 'To measure a pipeline without a backend', yaml: '{}' }],
  metrics: [],
});
