// Resource and scope that change while their spans are walked over, because span hooks edit them: after each span they are put,
// with their edits, in front of the scratch of the next one, and shown from there. So their edits last, and take room only once.
import { describeWireCode } from './codes.ts';
import type { ResourceView, ScopeView } from './container-view.ts';
import type { MessageView } from './message-view.ts';
import type { Scratch, StageMemory } from './stage-memory.ts';

export class LateHeaders {
  readonly #stage: StageMemory;
  readonly #resource: ResourceView;
  readonly #scope: ScopeView;

  constructor(stage: StageMemory, { resource, scope }: { readonly resource: ResourceView; readonly scope: ScopeView }) {
    this.#stage = stage;
    this.#resource = resource;
    this.#scope = scope;
  }

  /** `start`: where the scratch of a span begins, which is behind them from then on. */
  settle(start: number, withScope: boolean): void {
    if (this.#resource.message.dirty || (withScope && this.#scope.message.dirty)) this.#settleAt(start, withScope);
  }

  /** A scope is over: a resource that its spans have changed stands behind what the hooks of the scope left. False: none has. */
  keepResource(start: number): boolean {
    if (!this.#stage.scratch.holds(this.#resource.message.start)) return false;
    this.#settleAt(start, false);
    return true;
  }

  #settleAt(start: number, withScope: boolean): void {
    const resource = this.#resource;
    const { scratch, shared } = this.#stage;
    // What is encoded late takes scratch as well, which must not come between the two.
    resource.attributes.encodeAll();
    if (withScope) this.#scope.attributes.encodeAll();
    const top = scratch.mark();
    const resourceEnd = start + encode(resource.message, scratch);
    const end = resourceEnd + (withScope ? encode(this.#scope.message, scratch) : 0);
    shared.bytes.copyWithin(start, top, top + end - start);
    scratch.resetTo(end);
    reload(resource, start, resourceEnd);
    if (withScope) reload(this.#scope, resourceEnd, end);
  }
}

/** Writes the message with its edits on top of the scratch; its length. */
function encode(message: MessageView, scratch: Scratch): number {
  const length = message.measure();
  message.write(scratch.take(length));
  return length;
}

/** Shows the same item again, as it was encoded. */
function reload(view: ResourceView | ScopeView, start: number, end: number): void {
  const { dropped } = view;
  const code = view.load(start, end);
  view.dropped = dropped;
  // It was valid before its edits; what is left is a table that is too small for it.
  if (code !== 0) throw new Error(describeWireCode(code, -1));
}
