// Lambdas -> functions. A parameter is a cell that is set before the body runs: no lambda is entered again while it runs, for
// none can call itself.
import type { Cell, Environment } from './environment.ts';
import { fault } from './error.ts';
import type { Lambda } from './functions/define.ts';
import type { Local, ResolvedExpression, ResolvedLambda } from './resolved.ts';
import type { Getter, OttlValue } from './values.ts';

/** Lambdas in one another over long lists multiply: how often they may run for one value before that is a fault. */
const maxRuns = 2_000_000;

export function cellOf(local: Local, { cells }: Environment): Cell {
  const known = cells.get(local);
  if (known !== undefined) return known;
  const cell: Cell = { value: null };
  cells.set(local, cell);
  return cell;
}

export function compileLambda(
  { parameters, body }: ResolvedLambda,
  env: Environment,
  compile: (body: ResolvedExpression) => Getter,
): Lambda {
  const [a = unused, b = unused, c = unused] = parameters.map((local) =>
    local === null ? unused : cellOf(local, env),
  );
  const get = compile(body);
  const { lambdaRuns: runs } = env;
  const run = (first: OttlValue = null, second: OttlValue = null, third: OttlValue = null): OttlValue => {
    if (++runs.count > maxRuns) throw fault(`lambdas ran more than ${maxRuns} times for one value`);
    a.value = first;
    b.value = second;
    c.value = third;
    return get();
  };
  return Object.assign(run, { uses: parameters.map((local) => local !== null) });
}

/** Written to and never read. */
const unused: Cell = { value: null };

/** Around a call that takes lambdas: the outermost one starts the count. */
export function countingLambdas(call: Getter, { lambdaRuns: runs }: Environment): Getter {
  return () => {
    if (runs.depth === 0) runs.count = 0;
    runs.depth++;
    try {
      return call();
    } finally {
      runs.depth--;
    }
  };
}
