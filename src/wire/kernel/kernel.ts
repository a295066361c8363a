// Loads the kernel (kernel.as.ts) over a shared memory and writes the table of message rules that it reads.
import { readFileSync } from 'node:fs';
import type { SharedMemory } from '../memory.ts';
import { messageKind, messageRules } from '../schema.ts';

/** Fields of the messages that have views: more than field 31 would need a wider bitmap. */
const fieldsPerKind = 32;
/** Where the rules stand: every thread writes the same bytes there. Position 0 stays unused, so that 0 can mean none. */
const rulesAt = 1024;
/** The first position that is free for other use. */
export const kernelEnd = 4096;

/** Word of the shared memory that holds the rule of a field: bits 0-2 are its wire type + 1. */
export function ruleWord(kind: number, field: number): number {
  return rulesAt / 4 + kind * fieldsPerKind + field;
}

/** See kernel.as.ts for what each does. Positions from 2 GiB on come back as negative numbers: use `>>> 0`. */
export interface Kernel {
  setKeys(heads: number, keys: number, lengths: number): void;
  index(kind: number, from: number, end: number, block: number, depth: number): number;
  errorPosition(): number;
  equal(a: number, b: number, n: number): number;
  copy(to: number, from: number, n: number): void;
  countSpans(kind: number, from: number, end: number): number;
}

const repeated = 8;
const attributes = 16;
const id = 32;
const container = 64;
const oneof = 128;

function packedRule(kind: number, rule: (typeof messageRules)[number][number]): number {
  let packed = rule.wire + 1;
  if (rule.repeated) packed |= repeated;
  if (rule.child === messageKind.keyValue && kind !== messageKind.keyValueList) packed |= attributes;
  if (rule.idLength > 0) packed |= id;
  // Each of these is shown as a view of its own, so its content is checked when that view is loaded.
  if (kind === messageKind.request || kind === messageKind.resourceSpans || kind === messageKind.scopeSpans) {
    if (rule.child >= 0) packed |= container;
  }
  if (kind === messageKind.anyValue) packed |= oneof;
  return packed | ((rule.child + 1) << 8) | (rule.idLength << 16);
}

let module: WebAssembly.Module | undefined;

export function loadKernel(shared: SharedMemory): Kernel {
  module ??= new WebAssembly.Module(readFileSync(new URL('./kernel.wasm', import.meta.url)));
  const abort = (): never => {
    throw new Error('the kernel aborted');
  };
  const { exports } = new WebAssembly.Instance(module, { env: { memory: shared.memory, abort } });
  const kernel = exports as unknown as Kernel & { setRules(at: number): void };
  messageRules.forEach((rules, kind) => {
    for (const rule of rules) shared.words[ruleWord(kind, rule.field)] = packedRule(kind, rule);
  });
  kernel.setRules(rulesAt);
  return kernel;
}
