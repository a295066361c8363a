// OTTL rules as processors are configured with: conditions and statements in groups, each of which runs in one context.
import { adviseCondition, adviseStatement } from '../ottl/advice.ts';
import { checkCondition, checkStatement } from '../ottl/check.ts';
import type { ContextName } from '../ottl/environment.ts';
import { OttlError } from '../ottl/error.ts';
import type { ErrorMode } from '../ottl/error-mode.ts';
import { inferContext } from '../ottl/infer.ts';
import { parseCondition, parseStatement } from '../ottl/parser.ts';
import { pathsOf } from '../ottl/path-uses.ts';
import type { CheckedCondition, CheckedStatement } from '../ottl/resolved.ts';
import type { ConfigIssue } from './definition.ts';
import type { Touch } from './processor.ts';

type Path = ConfigIssue['path'];

interface RuleText {
  readonly text: string;
  /** From the component's own configuration to it. */
  readonly path: Path;
}

export interface RuleGroupText {
  /** null: as its rules say. */
  readonly context: ContextName | null;
  readonly errorMode: ErrorMode;
  readonly conditions: readonly RuleText[];
  readonly statements: readonly RuleText[];
}

export interface Rule<Checked> {
  /** `trace_conditions[0]`: how ledger, metrics and log name it. */
  readonly label: string;
  readonly path: Path;
  readonly checked: Checked;
}

export interface RuleGroup {
  readonly context: ContextName;
  readonly errorMode: ErrorMode;
  readonly conditions: readonly Rule<CheckedCondition>[];
  readonly statements: readonly Rule<CheckedStatement>[];
}

/** The texts of a list that stands at `path`. */
export function rulesAt(texts: readonly string[] | null | undefined, path: Path): RuleText[] {
  return (texts ?? []).map((text, i) => ({ text, path: [...path, i] }));
}

/** What of the group can be understood; the rest is added to `issues`. */
export function readGroup(group: RuleGroupText, issues: ConfigIssue[]): RuleGroup {
  const { errorMode } = group;
  const trees: InferredTree[] = [];
  /** Without a context of its own the group has that of the rules that can be parsed and name theirs. */
  const clear = (rules: readonly RuleText[], parse: (text: string) => InferredTree) =>
    rules.filter(({ text, path }) => {
      const tree = group.context === null ? attempt(() => parsedAlone(text, parse), path, issues) : undefined;
      if (tree) trees.push(tree);
      return tree !== null;
    });
  const conditions = clear(group.conditions, parseCondition);
  const statements = clear(group.statements, parseStatement);
  const [first] = [...conditions, ...statements];
  const context =
    group.context ??
    (first === undefined || trees.length === 0 ? 'span' : attempt(() => inferContext(trees), first.path, issues));
  if (context === null) return { context: 'span', errorMode, conditions: [], statements: [] };
  const read = <Checked>(rules: readonly RuleText[], check: (text: string, context: ContextName) => Checked) =>
    rules.flatMap(({ text, path }): Rule<Checked>[] => {
      const checked = attempt(() => check(text, context), path, issues);
      return checked === null ? [] : [{ label: labelOf(path), path, checked }];
    });
  return {
    context,
    errorMode,
    conditions: read(conditions, checkCondition),
    statements: read(statements, checkStatement),
  };
}

type InferredTree = Parameters<typeof inferContext>[0][number];

/** Throws OttlError, also for a rule that does not say where it belongs. */
function parsedAlone(text: string, parse: (text: string) => InferredTree): InferredTree {
  const tree = parse(text);
  inferContext([tree]);
  return tree;
}

function attempt<T>(act: () => T, path: Path, issues: ConfigIssue[]): T | null {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof OttlError)) throw error;
    issues.push({ path, code: 'CONFIG_OTTL', message: error.message, offset: error.offset });
    return null;
  }
}

function labelOf(path: Path): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  );
}

/** Rules that have no effect, or more than they are meant to have. */
export function adviseGroup({ conditions, statements }: RuleGroup): ConfigIssue[] {
  const advice = [
    ...conditions.map(({ path, checked }) => ({ path, warnings: adviseCondition(checked) })),
    ...statements.map(({ path, checked }) => ({ path, warnings: adviseStatement(checked) })),
  ];
  return advice.flatMap(({ path, warnings }) =>
    warnings.map(({ message, offset }) => ({ path, code: 'CONFIG_OTTL', message, offset })),
  );
}

/** Keys of client metadata that the rules read, each once. */
export function metadataKeysIn(groups: readonly RuleGroup[]): string[] {
  const rules = groups.flatMap(({ conditions, statements }) => [...conditions, ...statements]);
  return [...new Set(rules.flatMap(({ checked }) => checked.metadataKeys))];
}

/** The hook in which rules of a context run. */
export function hookOf(context: ContextName): Touch['from'] {
  return context === 'resource' || context === 'scope' ? context : 'span';
}

/** What a pass that runs these groups touches, each thing once. */
export function touchesOf(groups: readonly RuleGroup[]): Touch[] {
  const touches = new Map<string, Touch>();
  for (const { context, errorMode, conditions, statements } of groups) {
    const from = hookOf(context);
    if (errorMode === 'propagate' && from !== 'span') {
      touches.set(`${from} refuses`, { what: from, from, writes: false, mayRefuse: true });
    }
    for (const { checked } of [...conditions, ...statements]) {
      for (const { path, writes } of pathsOf(checked)) {
        const { context: what, keyed } = path.path;
        if ((what !== 'resource' && what !== 'scope') || keyed === 'cache') continue;
        touches.set(`${what} ${from} ${writes}`, { what, from, writes });
      }
    }
  }
  return [...touches.values()];
}
