// What reloads came to, as metrics.
import type { MetricSource } from '../telemetry/source.ts';
import type { ReloadStats } from './reloader.ts';

export function createReloadSource(stats: ReloadStats): MetricSource {
  return {
    *collect() {
      const { outcomes, lastSuccessful, lastSuccessAt } = stats;
      for (const [outcome, value] of Object.entries(outcomes)) {
        yield {
          name: 'spanmill_config_reloads',
          help: 'Reloads of the configuration, by what came of them: applied, unchanged, failed.',
          kind: 'counter',
          labels: { outcome },
          value,
        };
      }
      yield {
        name: 'spanmill_config_last_reload_successful',
        help: 'Whether the last reload of the configuration did not fail: 1 or 0.',
        kind: 'gauge',
        labels: {},
        value: lastSuccessful ? 1 : 0,
      };
      yield {
        name: 'spanmill_config_last_reload_success_timestamp_seconds',
        help: 'When the configuration was last read that is in use now.',
        kind: 'gauge',
        labels: {},
        value: lastSuccessAt / 1000,
      };
    },
  };
}
