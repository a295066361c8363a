// What a worker runs of a processor: a step of a stage. It has no schema, so that workers load none.
import type { ResourceView, ScopeView } from '../wire/container-view.ts';
import type { Regrouping } from '../wire/group-writer.ts';
import type { SpanView } from '../wire/span-view.ts';
import type { AttributeConstant } from '../wire/stage-memory.ts';
import type { Value } from '../wire/value.ts';
import type { MetricSpec } from './definition.ts';

/** Number of an interned attribute key; valid in every AttributeTable of the same stage. */
export type KeyId = number;
/** Number of a drop counter of the ledger; `dropped(processor, reason)`. */
export type CounterId = number;

/** What a processor gets when its stage is compiled, in the worker. Everything here is called at compile time only. */
export interface StageBuilder {
  /** Component id as configured. */
  readonly id: string;
  readonly span: SpanView;
  readonly resource: ResourceView;
  readonly scope: ScopeView;
  /** Makes `key` a key that the kernel resolves while it indexes: look-ups by the returned id are an array read. */
  intern(key: string): KeyId;
  /** Copies bytes into the stage's part of the shared memory, where they stay; returns their offset. */
  constant(bytes: Uint8Array): number;
  /** An attribute that the stage adds as it is (`AttributeTable.addConstant`). */
  attribute(key: string, value: Value): AttributeConstant;
  /** A ledger counter `dropped(this processor, reason)`; hand it to `drop`. */
  dropCounter(reason: string): CounterId;
  /** Any other count of the processor, shown as the metric of that name (declared in the definition's `metrics`). */
  counter(metric: string, labels: Readonly<Record<string, string>>): CounterId;
  /**
   * For the gate of a connector: spans that are `drop`ped with it are not for this pipeline, which has not received them.
   * `nowhere`: nor for any other one behind the connector.
   */
  routeCounter(where: 'elsewhere' | 'nowhere'): CounterId;
  /** A metric of that name, which is declared as a histogram: call it with each value. `bounds` ascend. */
  histogram(metric: string, bounds: readonly number[]): (value: number) => void;
  /** Adds to a counter; may be called for each span. */
  add(counter: CounterId, n: number): void;
  /** Values of a client metadata key of the request being processed. Only keys of the definition's `metadataKeys`. */
  metadata(key: string): readonly string[];
  /** How often the spans of the present job are to be halved, where the stage has an admission processor that thins them. */
  halvings(): number;
  /** `service::telemetry::logs::show_values`: what the log shows of a span may hold the values of its attributes. */
  readonly showValues: boolean;
  /**
   * Something went wrong while running. Logged on the main thread, rate-limited by `code`; cheap when repeated. `sample`: the item
   * that it went wrong with as plain data, asked for when there is none for a recent line of that code.
   */
  warn(code: string, message: string, sample?: () => Readonly<Record<string, unknown>>): void;
}

/**
 * The behaviour of a processor inside a stage. The hooks read and edit the builder's views, which show the current item.
 * `resource` runs once a resource, `scope` once a scope, before their spans. A hook that throws refuses the request:
 * nothing of it is forwarded. Later processors see what earlier ones changed; after `drop` none sees the item.
 */
export interface StageProcessor {
  resource?(): void;
  scope?(): void;
  span?(): void;
  /** Its definition says `regroups`: how, of the spans that are left. */
  readonly regroup?: Regrouping;
}

/** A processor as workers know it: its definition has all of this and more. */
export interface Step<C = unknown> {
  /** The Collector's type name. */
  readonly type: string;
  /** What `counter` and `histogram` may name, and what else the processor shows. */
  readonly metrics: readonly MetricSpec[];
  /** Shows all spans that it drops, whatever the reason: a counter by its id alone, which is its label. One of `metrics`. */
  readonly dropMetric?: MetricSpec;
  /** Called once in each worker for each pass. `config`: what the schema of the definition gave. `pass`: the index of one of its `passes`. */
  compile(config: C, stage: StageBuilder, pass: number): StageProcessor;
}
