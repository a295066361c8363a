// What the checker knows around a node, and what it has to say of it.
import type { Span } from './ast.ts';
import type { ContextName } from './environment.ts';
import type { Local, Warning } from './resolved.ts';

export interface Scope {
  readonly context: ContextName;
  readonly text: string;
  readonly warnings: Warning[];
  readonly metadataKeys: Set<string>;
  /** Parameters of the lambdas around the node, by name. */
  readonly locals: ReadonlyMap<string, Local>;
}

export function newScope(text: string, context: ContextName): Scope {
  return { context, text, warnings: [], metadataKeys: new Set(), locals: new Map() };
}

export function warn(scope: Scope, at: Span, message: string): void {
  scope.warnings.push({ message, offset: at.offset, length: at.length });
}
