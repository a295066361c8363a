// What a connector is, and the gate of the pipelines behind it.
import type { Definition, MetadataKey } from './definition.ts';
import type { SpanProcessorDefinition } from './processor.ts';

/** A pipeline that a connector's configuration names. */
export interface PipelineReference {
  /** From the component's own configuration to where it is named. */
  readonly path: readonly (string | number)[];
  readonly pipeline: string;
}

/** Where a gate stands. */
export interface GatePlace {
  /** Id of the connector, as configured. */
  readonly connector: string;
  /** Id of the pipeline behind it. */
  readonly pipeline: string;
  /** The pipeline receives from others too: requests say in their metadata which connector they come through. */
  readonly isMarked: boolean;
  /** Of all pipelines behind the connector the one that counts what none of them gets. */
  readonly isFirst: boolean;
}

/**
 * Stands between pipelines: those that name it as an exporter send to those that name it as a receiver. It runs nowhere by
 * itself: what passes through it is handed from stage to stage, and what it decides is decided by its gate.
 */
export interface ConnectorDefinition<C = unknown> extends Definition<C> {
  readonly kind: 'connector';
  /** Client metadata by which it decides. */
  metadataKeys?(config: C): readonly MetadataKey[];
  /** The pipelines that it sends to, as its configuration names them; absent: all that receive from it. */
  targets?(config: C): readonly PipelineReference[];
  /** The first step of each pipeline behind it: lets through what is for that pipeline. Absent: everything is. */
  readonly gate?: {
    readonly definition: SpanProcessorDefinition;
    /** What the definition is compiled with: plain data. */
    config(config: C, place: GatePlace): unknown;
  };
}
