// What a processor changed on each span, in few words.
import type { ExportTraceServiceRequest } from '../../../../src/wire/reference/messages.ts';
import { differences } from '../attributes/differences.ts';
import { numberOf, spansOf } from '../attributes/run-chain.ts';

type Status = readonly [code: number, message: string];

/** By the number of the span; a field that is absent is as it was. */
export type Changes = readonly {
  readonly name?: string;
  readonly status?: Status;
  readonly attributes?: unknown;
}[];

export function changes(before: ExportTraceServiceRequest, after: ExportTraceServiceRequest): Changes {
  const now = new Map(spansOf(after).map((span) => [numberOf(span), span]));
  const attributes = differences(before, after);
  return spansOf(before).map((old, i) => {
    const span = now.get(i);
    if (span === undefined) throw new Error(`span ${i} is gone`);
    const status: Status = [span.status?.code ?? 0, span.status?.message ?? ''];
    const sameStatus = status[0] === (old.status?.code ?? 0) && status[1] === (old.status?.message ?? '');
    return {
      ...(span.name === old.name ? {} : { name: span.name }),
      ...(sameStatus ? {} : { status }),
      ...(attributes[i].length === 0 ? {} : { attributes: attributes[i] }),
    };
  });
}
