// Actions -> steps over a table of attributes, run in their order. An action works on bytes wherever it can: a copied
// value is pointed at, a constant is in the stage's memory already; a text is decoded only for a pattern or a conversion.
import { compileRegExp } from '../../lib/regexp/regexp.ts';
import type { AttributeTable } from '../../wire/attribute-table.ts';
import { TextAnswers } from '../../wire/text-table.ts';
import { valueKind } from '../../wire/value.ts';
import type { StageBuilder } from '../step.ts';
import { converters } from './convert.ts';
import { removeLater, stepOverKey } from './duplicates.ts';
import type { Action } from './fields.ts';
import { hashEntry } from './hash.ts';
import { compileSource } from './source.ts';

/** One action on the item that the table shows. `resource` runs before the first item of each resource. */
interface Step {
  run(): void;
  resource?(): void;
}

/** A list of actions over one table. */
interface ActionList {
  /** On the item that the table shows. */
  run(): void;
  /** To be called once a resource, before `run` for any of its items; null: not needed. */
  readonly resource: (() => void) | null;
}

export function compileActions(actions: readonly Action[], stage: StageBuilder, table: AttributeTable): ActionList {
  const steps = actions.map((action) => compileAction(action, stage, table));
  const run = inOrder(steps.map((step) => () => step.run()));
  const beforeItems = steps.filter((step) => step.resource !== undefined);
  if (beforeItems.length === 0) return { run, resource: null };
  return { run, resource: inOrder(beforeItems.map((step) => () => step.resource?.())) };
}

function inOrder(steps: readonly (() => void)[]): () => void {
  const [first, second] = steps;
  if (steps.length === 1) return first;
  if (steps.length === 2) {
    return () => {
      first();
      second();
    };
  }
  return () => {
    for (let i = 0; i < steps.length; i++) steps[i]();
  };
}

function compileAction(action: Action, stage: StageBuilder, table: AttributeTable): Step {
  switch (action.action) {
    case 'insert':
    case 'update':
    case 'upsert':
      return compileWrite(action, stage, table);
    case 'delete':
      return both(deleteKey(action, stage, table), deletePattern(action, stage, table));
    case 'hash':
      return both(hashKey(action, stage, table), hashPattern(action, stage, table));
    case 'extract':
      return extract(action, stage, table);
    case 'convert':
      return convert(action, stage, table);
  }
}

/** By key first, then by pattern, where both are given. */
function both(first: Step | null, second: Step | null): Step {
  if (first === null || second === null) return first ?? second ?? { run: () => undefined };
  return {
    run() {
      first.run();
      second.run();
    },
  };
}

function compileWrite({ action, ...fields }: Action, stage: StageBuilder, table: AttributeTable): Step {
  const key = stage.intern(fields.key);
  const source = compileSource({ action, ...fields }, stage, table);
  const { constant } = source;
  const whenThere = action !== 'insert';
  const whenAbsent = action !== 'update';
  const set = (at: number, length: number): void => {
    table.setEncoded(key, at, length);
    removeLater(table, stage, key);
  };
  if (constant !== null) {
    return {
      run() {
        if (table.find(key) >= 0) {
          if (whenThere) set(constant.value, constant.valueLength);
        } else if (whenAbsent) table.addConstant(constant);
      },
    };
  }
  const run = (): void => {
    if ((table.find(key) >= 0 ? whenThere : whenAbsent) && source.find()) set(source.at, source.length);
  };
  return source.resource === undefined ? { run } : { run, resource: source.resource };
}

function deleteKey(action: Action, stage: StageBuilder, table: AttributeTable): Step | null {
  if (action.key === '') return null;
  const key = stage.intern(action.key);
  return { run: () => void table.remove(key) };
}

function deletePattern(action: Action, stage: StageBuilder, table: AttributeTable): Step | null {
  if (action.pattern === '') return null;
  const matches = new TextAnswers(stage.span.message.stage, compileRegExp(action.pattern).test);
  return {
    run() {
      for (let entry = 0; entry < table.count; entry++) {
        if (table.live(entry) && matches.at(table.keyOffset(entry), table.keyLength(entry))) table.removeEntry(entry);
      }
    },
  };
}

function hashKey(action: Action, stage: StageBuilder, table: AttributeTable): Step | null {
  if (action.key === '') return null;
  const key = stage.intern(action.key);
  const { stage: memory } = stage.span.message;
  return {
    run() {
      // What is hashed must not be readable: neither in a second attribute of that key.
      for (let entry = table.find(key); entry >= 0; entry = stepOverKey(table, memory.kernel, entry)) {
        hashEntry(table, memory, entry);
      }
    },
  };
}

function hashPattern(action: Action, stage: StageBuilder, table: AttributeTable): Step | null {
  if (action.pattern === '') return null;
  const { stage: memory } = stage.span.message;
  const matches = new TextAnswers(memory, compileRegExp(action.pattern).test);
  return {
    run() {
      for (let entry = 0; entry < table.count; entry++) {
        if (table.live(entry) && matches.at(table.keyOffset(entry), table.keyLength(entry)))
          hashEntry(table, memory, entry);
      }
    },
  };
}

function extract(action: Action, stage: StageBuilder, table: AttributeTable): Step {
  const key = stage.intern(action.key);
  const matcher = compileRegExp(action.pattern);
  const targets = matcher.groupNames.map((name) => stage.intern(name ?? ''));
  return {
    run() {
      const entry = table.find(key);
      if (entry < 0 || table.kind(entry) !== valueKind.string) return;
      const match = matcher.exec(table.get(entry) as string);
      if (match === null) return;
      for (let i = 0; i < targets.length; i++) {
        table.set(targets[i], match.groups[i + 1] ?? '');
        removeLater(table, stage, targets[i]);
      }
    },
  };
}

function convert(action: Action, stage: StageBuilder, table: AttributeTable): Step {
  const key = stage.intern(action.key);
  const { converted_type: type } = action;
  const converter = converters[type === '' ? 'string' : type];
  return {
    run() {
      const entry = table.find(key);
      if (entry < 0 || table.kind(entry) === converter.kind) return;
      const value = converter.convert(table.get(entry));
      if (value !== null) table.setEntry(entry, value);
    },
  };
}
