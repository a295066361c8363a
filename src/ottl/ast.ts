// The syntax tree. Every node knows the characters that it came from.

/** Characters of the source text: `text.slice(offset, offset + length)`. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type MathOperator = '+' | '-' | '*' | '/';

type Literal = null | string | boolean | bigint | number | Uint8Array;

interface LiteralNode extends Span {
  readonly kind: 'literal';
  readonly value: Literal;
}
/** A name in capitals: an enum symbol, or (as an argument) a function such as SHA256. */
export interface SymbolNode extends Span {
  readonly kind: 'symbol';
  readonly name: string;
}
/** The name of a converter given as an argument: `Sort(x, …, SomeFunction)`. */
interface FunctionNameNode extends Span {
  readonly kind: 'function-name';
  readonly name: string;
}
/** One part of a path: `attributes["k"][0]` has the name `attributes` and two keys. The span covers the name only. */
export interface PathField extends Span {
  readonly name: string;
  readonly keys: readonly ValueNode[];
}
export interface PathNode extends Span {
  readonly kind: 'path';
  readonly fields: readonly PathField[];
}
export interface Argument extends Span {
  /** As written; `name` covers only the name. */
  readonly name?: { readonly text: string } & Span;
  readonly value: ArgumentNode;
}
export interface CallNode extends Span {
  readonly kind: 'call';
  readonly name: string;
  /** The characters of the name alone. */
  readonly nameSpan: Span;
  readonly args: readonly Argument[];
  readonly keys: readonly ValueNode[];
}
interface MathNode extends Span {
  readonly kind: 'math';
  readonly operator: MathOperator;
  readonly left: ValueNode;
  readonly right: ValueNode;
}
interface SignNode extends Span {
  readonly kind: 'sign';
  readonly operator: '+' | '-';
  readonly operand: ValueNode;
}
interface ListNode extends Span {
  readonly kind: 'list';
  readonly items: readonly ValueNode[];
}
interface MapNode extends Span {
  readonly kind: 'map';
  readonly entries: readonly { readonly key: string; readonly value: ValueNode }[];
}
/** A name that a lambda gives to what it is called with; `_`: it has no use for that. */
export interface LambdaParameter extends Span {
  readonly name: string;
}
export interface LambdaNode extends Span {
  readonly kind: 'lambda';
  readonly parameters: readonly LambdaParameter[];
  readonly body: ConditionNode | ValueNode;
}

export type ValueNode =
  | LiteralNode
  | SymbolNode
  | PathNode
  | CallNode
  | MathNode
  | SignNode
  | ListNode
  | MapNode
  | LambdaNode;
export type ArgumentNode = ValueNode | FunctionNameNode;

interface ComparisonNode extends Span {
  readonly kind: 'comparison';
  readonly operator: CompareOperator;
  readonly left: ValueNode;
  readonly right: ValueNode;
}
interface NotNode extends Span {
  readonly kind: 'not';
  readonly operand: ConditionNode;
}
interface LogicNode extends Span {
  readonly kind: 'and' | 'or';
  readonly operands: readonly ConditionNode[];
}
/** A literal true or false, and a converter that gives a bool, are conditions by themselves; a path is not. */
export type ConditionNode = ComparisonNode | NotNode | LogicNode | LiteralNode | CallNode;

export interface StatementNode extends Span {
  readonly editor: CallNode;
  readonly where: ConditionNode | null;
}
