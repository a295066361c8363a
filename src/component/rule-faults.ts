// What becomes of a fault of an OTTL rule while it runs: it is counted for that rule, and the log shows the rule, the reason and
// one item that it failed on.
import type { ContextName, Environment } from '../ottl/environment.ts';
import { fault, OttlFault } from '../ottl/error.ts';
import type { ErrorMode } from '../ottl/error-mode.ts';
import { sampleItem } from '../ottl/sample.ts';
import { NoRoomError } from '../wire/no-room.ts';
import type { MetricSpec } from './definition.ts';
import type { Rule } from './rule-groups.ts';
import type { StageBuilder } from './step.ts';

/** Of every processor that runs OTTL rules. */
export const ruleErrorMetric: MetricSpec = {
  name: 'spanmill_processor_ottl_errors',
  kind: 'counter',
  help: 'Errors of OTTL conditions and statements while they ran, by processor and rule',
  labels: ['processor', 'rule'],
};

/**
 * `run` with the faults of the rule dealt with as `mode` says: it gives false after one, or throws it in mode propagate. `instead`:
 * what the log says that is done then.
 */
export function withFaults(
  run: () => boolean,
  { label, checked }: Rule<{ readonly text: string; readonly context: ContextName }>,
  mode: ErrorMode,
  instead: string,
  env: Environment,
  stage: StageBuilder,
): () => boolean {
  const errors = stage.counter(ruleErrorMetric.name, { processor: stage.id, rule: label });
  const sample = () => sampleItem(env, checked.context, stage.showValues);
  return () => {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof OttlFault || error instanceof NoRoomError)) throw error;
      if (mode === 'propagate') throw fault(`${stage.id}: ${label}: ${error.message}`);
      stage.add(errors, 1);
      if (mode === 'ignore') {
        stage.warn(`OTTL ${label}`, `${label}: ${error.message}; ${instead}: ${checked.text}`, sample);
      }
      return false;
    }
  };
}
