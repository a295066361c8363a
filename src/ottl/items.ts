// Running compiled rules on every item of their context that the views hold: itself, or the events of the span that is shown.
import type { ContextName, Environment } from './environment.ts';

/** What runs `act` on each of them; events that an earlier rule removed are left out. */
export function forEachItem(env: Environment, context: ContextName, act: () => void): () => void {
  if (context !== 'spanevent') return act;
  const { event } = env;
  const { span } = env.target;
  return () => {
    const count = span.eventCount;
    for (let i = 0; i < count; i++) {
      const view = span.event(i);
      if (view === null) continue;
      event.view = view;
      event.index = i;
      try {
        act();
      } finally {
        event.view = null;
      }
    }
  };
}
