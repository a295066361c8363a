// The output side of a walk that regroups: attributes of spans move to their resources, and spans of the same resource and
// scope come together. Spans are gathered as ranges, of the input or of kept scratch, and written at the end of the request.
// Where that is more than the scratch or the lists can hold, what is gathered is written earlier: correct, only less compact.
import { ByteTable } from './byte-table.ts';
import { ContainerGroups } from './container-groups.ts';
import { GroupOutput } from './group-output.ts';
import type { Output } from './output.ts';
import { messageKind, resourceField, resourceSpansField, scopeField, scopeSpansField } from './schema.ts';
import type { WrittenViews } from './segment-writer.ts';
import type { EntryTables } from './span-view.ts';
import type { StageMemory } from './stage-memory.ts';
import { varintSize, writeVarint } from './varint.ts';

export interface Regrouping {
  /** Interned keys, each once, of span attributes that move to the resource, in this order. */
  readonly keys: readonly number[];
  /** A request is written: spans that had one of the keys, those that had none, and the resources that they are under. */
  done(moved: number, others: number, resources: number): void;
}

/** Most spans that are gathered at a time. */
const mostGathered = 65_536;
const spanTag = (scopeSpansField.spans << 3) | 2;
const none = -1;

export class GroupWriter {
  /** Spans kept since `begin`. */
  spans = 0;
  readonly #stage: StageMemory;
  readonly #views: WrittenViews;
  readonly #regrouping: Regrouping;
  readonly #output: GroupOutput;
  readonly #resources: ContainerGroups;
  readonly #scopes: ContainerGroups;
  /** Of the resource and scope that are shown, without moved attributes; none: not asked for yet. */
  #resource = none;
  #scope = none;
  /** Counts the resources that came, for those with equal moved attributes are still apart. */
  #source = 0;
  /** Moved attributes with the number of what they came from, and the resources that these make. */
  readonly #moves: ByteTable;
  readonly #movedTo: number[] = [];
  /** The entry of each key in the span that is kept; -1: it has none. */
  readonly #entries: number[];
  #movedSpans = 0;
  #writtenResources = 0;
  // A leaf is a scope of a resource. Lists are linked by index.
  #leaves = 0;
  readonly #leafOf = new Map<number, number>();
  readonly #leafScope: number[] = [];
  readonly #nextLeaf: number[] = [];
  readonly #firstSpan: number[] = [];
  readonly #lastSpan: number[] = [];
  /** By resource. */
  readonly #firstLeaf: number[] = [];
  readonly #lastLeaf: number[] = [];
  #gathered = 0;
  readonly #starts = new Uint32Array(mostGathered);
  readonly #ends = new Uint32Array(mostGathered);
  readonly #nextSpan = new Int32Array(mostGathered);

  constructor(stage: StageMemory, views: WrittenViews, tables: EntryTables, regrouping: Regrouping) {
    this.#stage = stage;
    this.#views = views;
    this.#regrouping = regrouping;
    this.#entries = regrouping.keys.map(() => none);
    this.#output = new GroupOutput(stage);
    this.#moves = new ByteTable(stage);
    // Events and links have left the table of items when their span is kept.
    const groups = (of: ConstructorParameters<typeof ContainerGroups>[1]): ContainerGroups =>
      new ContainerGroups(stage, of, tables.item, tables.capacity);
    this.#resources = groups({
      kind: messageKind.resource,
      attributeField: resourceField.attributes,
      depth: 2,
      view: views.resource,
      holder: views.resourceSpans,
      headerField: resourceSpansField.resource,
      itemsField: resourceSpansField.scopeSpans,
    });
    this.#scopes = groups({
      kind: messageKind.scope,
      attributeField: scopeField.attributes,
      depth: 3,
      view: views.scope,
      holder: views.scopeSpans,
      headerField: scopeSpansField.scope,
      itemsField: scopeSpansField.spans,
    });
  }

  /** A new request, whose spans go behind what the output holds. */
  begin(out: Output): void {
    this.#output.begin(out);
    this.spans = 0;
    this.#movedSpans = 0;
    this.#writtenResources = 0;
    this.#source = 0;
    this.forget();
  }

  /** Forgets what was gathered, and gives back its scratch. */
  forget(): void {
    this.#stage.scratch.freeKept();
    this.#resources.clear();
    this.#scopes.clear();
    this.#moves.clear();
    this.#resource = none;
    this.#scope = none;
    this.#leaves = 0;
    this.#leafOf.clear();
    this.#firstLeaf.length = 0;
    this.#gathered = 0;
  }

  /** A field of the request itself, as it is. */
  field(start: number, end: number): void {
    this.#output.field(start, end);
  }

  /** The scope is over. */
  closeScope(): void {
    this.#scope = none;
    this.#scopes.leave();
  }

  /** The resource is over. */
  closeResource(): void {
    this.#resource = none;
    this.#resources.leave();
    this.#source++;
  }

  /** The span that the view shows, with its edits; as it came it stands with its tag at fieldStart … end. */
  keep(fieldStart: number, end: number): void {
    const { message } = this.#views.span;
    const { scratch } = this.#stage;
    const mark = scratch.mark();
    const movedBytes = this.#find();
    const spanBytes = message.dirty ? message.measure() : end - fieldStart;
    this.#makeRoom(movedBytes, spanBytes);
    const resource = movedBytes > 0 ? this.#moved(movedBytes) : this.#unmoved();
    if (this.#scope === none) {
      this.#scopes.draft();
      this.#scope = this.#scopes.number();
    }
    const leaf = this.#leaf(resource, this.#scope);
    if (!message.dirty) this.#gather(leaf, fieldStart, end);
    else {
      const length = message.measure();
      const at = scratch.keep(1 + varintSize(length) + length);
      this.#stage.shared.bytes[at] = spanTag;
      this.#gather(leaf, at, message.write(writeVarint(this.#stage.shared.bytes, at + 1, length)));
    }
    scratch.resetTo(mark);
    this.spans++;
  }

  /** Looks for the keys; the bytes of the attributes that are to move, 0: there are none. */
  #find(): number {
    const { attributes } = this.#views.span;
    const { keys } = this.#regrouping;
    let bytes = 0;
    for (let i = 0; i < keys.length; i++) {
      const entry = attributes.find(keys[i]);
      this.#entries[i] = entry;
      // Generous by what tags and lengths can take.
      if (entry >= 0) bytes += attributes.keyLength(entry) + attributes.valueLength(entry) + 24;
    }
    return bytes;
  }

  /** Sees to it that what this span adds finds room: what is gathered is written if it must be. */
  #makeRoom(movedBytes: number, spanBytes: number): void {
    const { scratch } = this.#stage;
    // A move stands there twice: where it is written to be looked up, and kept.
    const move = movedBytes + this.#entries.length + 5;
    const kept = this.#resources.mostKept(movedBytes) + this.#scopes.mostKept(0) + move + spanBytes + 16;
    const taken = this.#resources.mostTaken(movedBytes) + this.#scopes.mostTaken(0) + move;
    if (this.#gathered < mostGathered && kept <= scratch.keepableBehind(taken)) return;
    this.#write();
  }

  #unmoved(): number {
    if (this.#resource === none) {
      this.#resources.draft();
      this.#resource = this.#resources.number();
    }
    return this.#resource;
  }

  /** The resource with the span's attributes of the keys, which leave the span. */
  #moved(movedBytes: number): number {
    const { attributes } = this.#views.span;
    const { keys } = this.#regrouping;
    const { scratch, kernel } = this.#stage;
    this.#movedSpans++;
    const move = scratch.take(5 + movedBytes + keys.length);
    const length = this.#writeMove(move) - move;
    let n = this.#moves.find(move, length);
    if (n < 0) {
      const kept = scratch.keep(length);
      kernel.copy(kept, move, length);
      n = this.#moves.add(kept, length);
      this.#movedTo[n] = this.#resourceWith();
    }
    for (let i = 0; i < keys.length; i++) if (this.#entries[i] >= 0) attributes.remove(keys[i]);
    return this.#movedTo[n];
  }

  /** Where it comes from, and for each key: 0, or 1 with length and value. */
  #writeMove(at: number): number {
    const { attributes } = this.#views.span;
    const { bytes } = this.#stage.shared;
    let p = writeVarint(bytes, at, this.#source);
    for (const entry of this.#entries) {
      bytes[p++] = entry < 0 ? 0 : 1;
      if (entry < 0) continue;
      const length = attributes.valueLength(entry);
      p = writeVarint(bytes, p, length);
      this.#stage.kernel.copy(p, attributes.valueOffset(entry), length);
      p += length;
    }
    return p;
  }

  #resourceWith(): number {
    const { attributes } = this.#views.span;
    const { keys } = this.#regrouping;
    const target = this.#resources.draft().attributes;
    for (let i = 0; i < keys.length; i++) {
      const entry = this.#entries[i];
      if (entry < 0) continue;
      // Of a key that the resource has twice nothing must be left beside the new value.
      if (target.hasDuplicateKeys) target.remove(keys[i]);
      target.setEncoded(keys[i], attributes.valueOffset(entry), attributes.valueLength(entry));
    }
    return this.#resources.number();
  }

  // --- lists ---------------------------------------------------------------------------------------------------------

  #leaf(resource: number, scope: number): number {
    const key = resource * mostGathered + scope;
    const known = this.#leafOf.get(key);
    if (known !== undefined) return known;
    const leaf = this.#leaves++;
    this.#leafOf.set(key, leaf);
    this.#leafScope[leaf] = scope;
    this.#nextLeaf[leaf] = none;
    this.#firstSpan[leaf] = none;
    // Resources are numbered as they come, and each gets its first leaf at once.
    if (resource === this.#firstLeaf.length) this.#firstLeaf.push(leaf);
    else this.#nextLeaf[this.#lastLeaf[resource]] = leaf;
    this.#lastLeaf[resource] = leaf;
    return leaf;
  }

  #gather(leaf: number, start: number, end: number): void {
    const span = this.#gathered++;
    this.#starts[span] = start;
    this.#ends[span] = end;
    this.#nextSpan[span] = none;
    if (this.#firstSpan[leaf] === none) this.#firstSpan[leaf] = span;
    else this.#nextSpan[this.#lastSpan[leaf]] = span;
    this.#lastSpan[leaf] = span;
  }

  // --- writing -------------------------------------------------------------------------------------------------------

  /** The request is over: writes it. */
  finish(): void {
    this.#write();
    this.#regrouping.done(this.#movedSpans, this.spans - this.#movedSpans, this.#writtenResources);
  }

  /** Writes what is gathered, in the order in which resources, their scopes and their spans came, and forgets it. */
  #write(): void {
    const output = this.#output;
    const resources = this.#resources;
    const scopes = this.#scopes;
    for (let resource = 0; resource < resources.count; resource++) {
      output.resource(resources.headerAt(resource), resources.headerLength(resource));
      for (let leaf = this.#firstLeaf[resource]; leaf !== none; leaf = this.#nextLeaf[leaf]) {
        const scope = this.#leafScope[leaf];
        output.scope(scopes.headerAt(scope), scopes.headerLength(scope));
        for (let span = this.#firstSpan[leaf]; span !== none; span = this.#nextSpan[span]) {
          output.span(this.#starts[span], this.#ends[span]);
        }
      }
    }
    output.close();
    this.#writtenResources += resources.count;
    this.forget();
  }
}
