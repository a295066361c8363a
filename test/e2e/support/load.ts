// Closed-loop load: each slot sends its next request when the last was answered.
import type { Client, Reply } from './client.ts';
import type { RequestShape, SpanSource } from './spans.ts';

export interface LoadOptions {
  readonly clients: readonly Client[];
  readonly source: SpanSource;
  /** Calls in flight of each client. */
  readonly inFlight: number;
  readonly spans: number;
  readonly shape?: RequestShape;
  /** Called for each answer; false ends the slot. Default: the slot ends at the first refusal. */
  goOn?(reply: Reply): boolean;
}

/** Resolves when all slots have ended. */
export async function runLoad(options: LoadOptions): Promise<void> {
  const { clients, source, inFlight, spans, shape } = options;
  const goOn = options.goOn ?? (({ code }: Reply) => code === 0);
  const slot = async (client: Client): Promise<void> => {
    while (goOn(await client.send(source.request(spans, shape))));
  };
  await Promise.all(clients.flatMap((client) => Array.from({ length: inFlight }, () => slot(client))));
}
