// What is known of types before a rule runs: comparisons that have one outcome, and what arithmetic gives.
import type { ConditionNode, ValueNode } from './ast.ts';
import { type Scope, warn } from './check-scope.ts';
import { enumSymbols } from './paths.ts';
import { describeTypes, type TypeSet, type } from './values.ts';

export const numeric = type.int | type.double;

export function checkComparable(
  left: TypeSet,
  right: TypeSet,
  node: ConditionNode & { kind: 'comparison' },
  scope: Scope,
): void {
  const widen = (set: TypeSet): TypeSet => ((set & numeric) === 0 ? set : set | numeric);
  if ((widen(left) & widen(right)) !== 0) return;
  const outcome = node.operator === '!=' ? 'true' : 'false';
  const hint = comparableHint(node.left, right) || comparableHint(node.right, left);
  warn(scope, node, `always ${outcome}: ${describeTypes(left)} is compared with ${describeTypes(right)}${hint}`);
}

/** What was meant by a text that is compared with something of the types `other`. */
function comparableHint(node: ValueNode, other: TypeSet): string {
  if (node.kind !== 'literal' || typeof node.value !== 'string') return '';
  if (other === type.int && enumSymbols.has(node.value)) return `; write ${node.value} without quotes`;
  if (other === type.traceId) return '; write TraceID("…"), or compare trace_id.string';
  if (other === type.spanId) return '; write SpanID("…"), or compare span_id.string';
  return other === type.time ? '; write Time("…", "…")' : other === type.duration ? '; write Duration("…")' : '';
}

export const calculable = numeric | type.time | type.duration;

export function mathTypes(left: TypeSet, right: TypeSet): TypeSet {
  const both = left | right;
  if (both === type.int || both === type.double) return both;
  return (both & ~numeric) === 0 ? numeric : calculable;
}
