// What the definitions of all components say, whatever their kind: names, configuration, metrics, examples. A component is one
// folder: `index.ts` holds its definition (made with a function of define.ts), files beside it the behaviour.
import type { z } from 'zod';
import type { ExtensionReference } from './capabilities.ts';

export type Stability = 'development' | 'alpha' | 'beta' | 'stable';

/** A mistake that the schema cannot express. `path` leads from the component's own configuration to the value. */
export interface ConfigIssue {
  readonly path: readonly (string | number)[];
  readonly code: string;
  readonly message: string;
  /** Characters into the scalar at `path`, where one can be named (an OTTL error inside a YAML string). */
  readonly offset?: number;
}

export interface Example {
  readonly title: string;
  /** YAML of the component's own configuration (what stands under its id). */
  readonly yaml: string;
}

export interface MetricSpec {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

/** What a metric of a component stands at; its spec is in the definition. */
export interface MetricValue {
  readonly name: string;
  /** Those of the spec that the component itself knows. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What definitions of all kinds have. */
export interface Definition<C> {
  /** The Collector's type name, lower_snake_case. */
  readonly type: string;
  /** Other names of the same component in configuration files (`otlp_grpc` for the exporter `otlp`). */
  readonly aliases: readonly string[];
  readonly stability: Stability;
  /** One sentence. */
  readonly summary: string;
  /** Every field described; unknown keys refused (z.strictObject); defaults applied by parsing. Keys as in the YAML. */
  readonly config: z.ZodType<C>;
  /** What the schema cannot say; runs after a successful parse, before anything starts. No I/O. */
  check?(config: C): ConfigIssue[];
  /** What works but is seldom meant: warnings, of a configuration that is right. As `check`: no I/O. */
  advise?(config: C): ConfigIssue[];
  /** The extensions that the configuration names. */
  references?(config: C): readonly ExtensionReference[];
  readonly examples: readonly Example[];
  readonly metrics: readonly MetricSpec[];
}

/** Client metadata that a configuration names. */
export interface MetadataKey {
  /** From the component's own configuration to where it is named. */
  readonly path: readonly (string | number)[];
  /** A header in lower case, or one of lib/client-keys.ts. */
  readonly key: string;
}
