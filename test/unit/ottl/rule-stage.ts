// Runs statements on the sample span in a stage over real bytes.
import type { StageBuilder } from '../../../src/component/step.ts';
import { checkStatement } from '../../../src/ottl/check.ts';
import { compileStatement } from '../../../src/ottl/compile.ts';
import { createEnvironment, type Environment } from '../../../src/ottl/environment.ts';
import { OttlFault } from '../../../src/ottl/error.ts';
import { decodeRequest, encodeRequest } from '../../../src/wire/reference/codec.ts';
import type { AnyValue, ExportTraceServiceRequest, Span } from '../../../src/wire/reference/messages.ts';
import { rewriteOutcome } from '../../../src/wire/rewriter.ts';
import { createStage, processor } from '../../wire/chain-support.ts';
import { sampleRequest } from './sample.ts';

/** What the stage makes of the sample when `compile` gives what runs on its span. */
export function withSpan(compile: (env: Environment, stage: StageBuilder) => () => void): ExportTraceServiceRequest {
  const stage = createStage([
    processor('rule', (builder) => ({
      resource: () => {},
      scope: () => {},
      span: compile(createEnvironment(builder), builder),
    })),
  ]);
  const { outcome, message, output } = stage.run(encodeRequest(sampleRequest()));
  if (outcome !== rewriteOutcome.written) throw new Error(`the stage ended with ${outcome}: ${message}`);
  return decodeRequest(output);
}

export function spanOf(request: ExportTraceServiceRequest): Span {
  return request.resourceSpans[0].scopeSpans[0].spans[0];
}

/** Runs each statement, in order; the message of a fault, or null, for each. */
export function runStatements(statements: readonly string[]): { span: Span; faults: (string | null)[] } {
  const faults: (string | null)[] = statements.map(() => null);
  const request = withSpan((env) => {
    const compiled = statements.map((text) => compileStatement(checkStatement(text, 'span'), env));
    return () => {
      for (const [i, run] of compiled.entries()) {
        try {
          run();
        } catch (error) {
          if (!(error instanceof OttlFault)) throw error;
          faults[i] = error.message;
        }
      }
    };
  });
  return { span: spanOf(request), faults };
}

/** The value as the recordings write it. */
export function plain(value: AnyValue | undefined): unknown {
  if (value === undefined || Object.keys(value).length === 0) return 'empty';
  if (value.stringValue !== undefined) return { string: value.stringValue };
  if (value.intValue !== undefined) return { int: String(value.intValue) };
  if (value.doubleValue !== undefined) {
    return { double: Object.is(value.doubleValue, -0) ? '-0' : String(value.doubleValue) };
  }
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.bytesValue !== undefined) return { bytes: Buffer.from(value.bytesValue).toString('hex') };
  if (value.arrayValue !== undefined) return { list: value.arrayValue.values.map(plain) };
  // The Collector's maps come in any order.
  const entries = (value.kvlistValue?.values ?? []).map(({ key, value: item }) => [key, plain(item)] as const);
  return { map: entries.sort(([a], [b]) => (a < b ? -1 : 1)) };
}

/** The value of an attribute in that form; null when the span lacks it. */
export function attributeOf(span: Span, key: string): unknown {
  const found = span.attributes.find((attribute) => attribute.key === key);
  return found === undefined ? null : plain(found.value);
}
