// What a rule that can be understood can hardly mean: it never holds, or always, or nothing reaches it.
import { compareValues } from './compare.ts';
import { constantOf } from './constant.ts';
import { contextNames } from './environment.ts';
import type {
  CheckedCondition,
  CheckedStatement,
  ResolvedComparison,
  ResolvedCondition,
  ResolvedConstant,
  ResolvedValue,
  Warning,
} from './resolved.ts';
import { showValue } from './show.ts';
import type { OttlValue } from './values.ts';

/** Its own warnings, and what its text alone decides. */
export function adviseCondition({ text, tree, warnings }: CheckedCondition): Warning[] {
  // Who writes that means it: drop every event, route the rest.
  if (text.trim() === 'true') return [...warnings];
  const constant = constantOf(tree);
  if (constant === null) return [...warnings, ...contradictions(tree, text)];
  const message = constant ? 'always holds, whatever the item' : 'never holds: it does nothing';
  const offset = text.search(/\S/);
  return [...warnings, { message, offset, length: text.length - offset }];
}

export function adviseStatement({ text, editor, where, warnings }: CheckedStatement): Warning[] {
  if (where === null) return [...warnings];
  if (constantOf(where) !== false) return [...warnings, ...contradictions(where, text)];
  const offset = text.indexOf('where', editor.at.offset + editor.at.length);
  return [...warnings, { message: 'never runs: its condition never holds', offset, length: text.length - offset }];
}

/** Of conditions in the order in which they are tried: which of them comes behind one that drops everything. */
export function unreached<C extends { readonly checked: CheckedCondition }>(
  conditions: readonly C[],
): { readonly condition: C; readonly behind: C }[] {
  const rank = ({ checked }: C): number => contextNames.length - contextNames.indexOf(checked.context);
  const tried = conditions.toSorted((a, b) => rank(a) - rank(b));
  const first = tried.findIndex(({ checked }) => constantOf(checked.tree) === true);
  if (first < 0) return [];
  return tried.slice(first + 1).map((condition) => ({ condition, behind: tried[first] }));
}

/** A value that is compared with a constant. */
interface Fact {
  /** The same for the same value, however it is written. */
  readonly subject: string;
  readonly shown: string;
  readonly operator: ResolvedComparison['operator'];
  readonly constant: OttlValue;
  readonly offset: number;
  readonly length: number;
}

/** In an `and`: two that exclude each other. In an `or`: two of which one always holds. */
function contradictions(node: ResolvedCondition, text: string): Warning[] {
  switch (node.kind) {
    case 'constant':
    case 'comparison':
    case 'call':
      return [];
    case 'not':
      return contradictions(node.operand, text);
    case 'and':
    case 'or': {
      const operands = flat(node.kind, node.operands);
      const facts = operands.flatMap((operand) => (operand.kind === 'comparison' ? factsOf(operand, text) : []));
      return [...opposed(node.kind, facts), ...operands.flatMap((operand) => contradictions(operand, text))];
    }
  }
}

function flat(kind: 'and' | 'or', operands: readonly ResolvedCondition[]): ResolvedCondition[] {
  return operands.flatMap((operand) => (operand.kind === kind ? flat(kind, operand.operands) : [operand]));
}

const mirrored = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;

function factsOf({ left, right, operator }: ResolvedComparison, text: string): Fact[] {
  const offset = left.at.offset;
  const place = { offset, length: right.at.offset + right.at.length - offset };
  if (right.kind === 'constant') return fact(left, operator, right, text, place);
  return left.kind === 'constant' ? fact(right, mirrored[operator], left, text, place) : [];
}

function fact(
  subject: ResolvedValue,
  operator: Fact['operator'],
  { value: constant }: ResolvedConstant,
  text: string,
  place: { offset: number; length: number },
): Fact[] {
  const shown = text.slice(subject.at.offset, subject.at.offset + subject.at.length);
  const name = subjectName(subject, shown);
  return name === null ? [] : [{ subject: name, shown, operator, constant, ...place }];
}

/** null: it may differ from one evaluation to the next. */
function subjectName(value: ResolvedValue, text: string): string | null {
  if (value.kind === 'call') return value.definition.pure ? text.replaceAll(/\s+/g, '') : null;
  if (value.kind !== 'path') return null;
  const keys = value.keys.map((key) => (key.kind === 'constant' ? showValue(key.value) : null));
  return keys.includes(null) ? null : `${value.path.context}.${value.path.name}[${keys.join('][')}]`;
}

/** What is known of one value: the comparison that fixes it, and those before that one. */
interface Known {
  fixed: Fact | null;
  readonly others: Fact[];
  warning: Warning | null;
}

/** One warning for each value, at the comparison that does not go with an earlier one. */
function opposed(kind: 'and' | 'or', facts: readonly Fact[]): Warning[] {
  const all = new Map<string, Known>();
  for (const fact of facts) {
    const known: Known = all.get(fact.subject) ?? { fixed: null, others: [], warning: null };
    all.set(fact.subject, known);
    if (known.warning !== null) continue;
    const earlier = opponent(kind, fact, known);
    if (earlier !== undefined) known.warning = warningOf(kind, earlier, fact);
    if (known.fixed === null && fact.operator === fixing[kind]) known.fixed = fact;
    else known.others.push(fact);
  }
  return [...all.values()].flatMap(({ warning }) => warning ?? []);
}

/** In an `and` the value is what it is equal to; an `or` does not hold only where it is what it is to differ from. */
const fixing = { and: '==', or: '!=' } as const;

function opponent(kind: 'and' | 'or', fact: Fact, { fixed, others }: Known): Fact | undefined {
  const decides = ({ constant }: Fact, { operator, constant: other }: Fact): boolean =>
    compareValues(constant, other, operator) === (kind === 'or');
  if (fixed !== null) return decides(fixed, fact) ? fixed : undefined;
  return fact.operator === fixing[kind] ? others.find((other) => decides(fact, other)) : undefined;
}

function warningOf(kind: 'and' | 'or', earlier: Fact, { shown, offset, length, ...later }: Fact): Warning {
  const written = ({ operator, constant }: Pick<Fact, 'operator' | 'constant'>) => `${operator} ${showValue(constant)}`;
  const outcome = kind === 'and' ? 'can never hold' : 'always holds';
  return { message: `${outcome}: ${shown} ${written(earlier)} ${kind} ${written(later)}`, offset, length };
}
