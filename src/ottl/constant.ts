// What is known of a condition before it runs.
import { compareValues } from './compare.ts';
import type { ResolvedCondition } from './resolved.ts';

/** What the condition is by its text alone; null when that needs an item. */
export function constantOf(node: ResolvedCondition): boolean | null {
  switch (node.kind) {
    case 'constant':
      return node.value;
    case 'not': {
      const value = constantOf(node.operand);
      return value === null ? null : !value;
    }
    case 'and':
    case 'or': {
      const values = node.operands.map(constantOf);
      const decisive = node.kind === 'or';
      if (values.includes(decisive)) return decisive;
      return values.includes(null) ? null : !decisive;
    }
    case 'comparison': {
      const { left, right, operator } = node;
      const known = left.kind === 'constant' && right.kind === 'constant';
      return known ? compareValues(left.value, right.value, operator) : null;
    }
    case 'call':
      return null;
  }
}
