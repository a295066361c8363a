// The tree after checking: names are definitions, arguments stand in the order of the parameters.
import type { CompareOperator, MathOperator, Span } from './ast.ts';
import type { ContextName } from './environment.ts';
import type { FunctionDefinition } from './functions/define.ts';
import type { PathDefinition } from './path-entries.ts';
import type { OttlValue, TypeSet } from './values.ts';

interface Typed {
  /** What it can give, as far as that is known before it runs. */
  readonly types: TypeSet;
  readonly at: Span;
}

export interface ResolvedConstant extends Typed {
  readonly kind: 'constant';
  readonly value: OttlValue;
}
export interface ResolvedPath extends Typed {
  readonly kind: 'path';
  readonly path: PathDefinition;
  readonly keys: readonly ResolvedValue[];
}
export interface ResolvedCall extends Typed {
  readonly kind: 'call';
  readonly definition: FunctionDefinition;
  /** null: an optional argument that is absent. */
  readonly args: readonly (ResolvedArgument | null)[];
  readonly keys: readonly ResolvedValue[];
}
/** A parameter of a lambda: one object for each, by which the compiler knows it. */
export interface Local {
  readonly name: string;
  readonly types: TypeSet;
}
export interface ResolvedLocal extends Typed {
  readonly kind: 'local';
  readonly local: Local;
  readonly keys: readonly ResolvedValue[];
}
export type ResolvedValue =
  | ResolvedConstant
  | ResolvedPath
  | ResolvedLocal
  | ResolvedCall
  | (Typed & { readonly kind: 'list'; readonly items: readonly ResolvedValue[] })
  | (Typed & { readonly kind: 'map'; readonly entries: readonly { key: string; value: ResolvedValue }[] })
  | (Typed & { readonly kind: 'sign'; readonly operator: '+' | '-'; readonly operand: ResolvedValue })
  | (Typed & {
      readonly kind: 'math';
      readonly operator: MathOperator;
      readonly left: ResolvedValue;
      readonly right: ResolvedValue;
    });
/** A converter that the call itself applies. */
export interface ResolvedFunction extends Typed {
  readonly kind: 'function';
  readonly definition: FunctionDefinition;
}
export interface ResolvedLambda extends Typed {
  readonly kind: 'lambda';
  /** null: one without use. */
  readonly parameters: readonly (Local | null)[];
  readonly body: ResolvedExpression;
}
export type ResolvedArgument = ResolvedValue | ResolvedFunction | ResolvedLambda;

export interface ResolvedComparison {
  readonly kind: 'comparison';
  readonly operator: CompareOperator;
  readonly left: ResolvedValue;
  readonly right: ResolvedValue;
}
export type ResolvedCondition =
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'not'; readonly operand: ResolvedCondition }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly ResolvedCondition[] }
  | ResolvedComparison
  | ResolvedCall;

/** A condition or a value, whichever stood there. */
export type ResolvedExpression =
  | { readonly kind: 'condition'; readonly condition: ResolvedCondition }
  | { readonly kind: 'value'; readonly value: ResolvedValue };

/** A rule that is accepted and can only ever fail, or always has the same outcome. */
export interface Warning extends Span {
  readonly message: string;
}

interface Checked {
  readonly text: string;
  readonly context: ContextName;
  readonly warnings: readonly Warning[];
  /** Keys of client metadata that it reads: whoever runs it must declare them, so that requests which differ are kept apart. */
  readonly metadataKeys: readonly string[];
}
export interface CheckedCondition extends Checked {
  readonly tree: ResolvedCondition;
}
export interface CheckedExpression extends Checked {
  readonly tree: ResolvedExpression;
}
export interface CheckedStatement extends Checked {
  readonly editor: ResolvedCall;
  readonly where: ResolvedCondition | null;
}
