// Conditions that are tried one after another on each item, and what becomes of a fault.
import { compileCondition, type Predicate } from './compile.ts';
import type { Environment } from './environment.ts';
import { OttlFault } from './error.ts';
import type { CheckedCondition } from './resolved.ts';

/** ignore: report and treat as false | silent: treat as false | propagate: throw, which refuses the request */
export const errorModes = ['ignore', 'silent', 'propagate'] as const;
export type ErrorMode = (typeof errorModes)[number];

/** Whether the condition holds; a fault is dealt with as `mode` says. Throws OttlFault only in mode propagate. */
export function compileGuarded(
  checked: CheckedCondition,
  env: Environment,
  mode: ErrorMode,
  report: (fault: OttlFault) => void,
): Predicate {
  const holds = compileCondition(checked, env);
  if (mode === 'propagate') return holds;
  return () => {
    try {
      return holds();
    } catch (error) {
      if (!(error instanceof OttlFault)) throw error;
      if (mode === 'ignore') report(error);
      return false;
    }
  };
}
